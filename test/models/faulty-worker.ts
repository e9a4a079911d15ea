/**
 * The inference worker with faults on demand, in the test's hands: the first number of a window says which.
 * 1001: the process ends. 1002: it throws. 1003: it is stuck until there is the file that the second number names.
 */
import { existsSync } from 'node:fs';
import type { ToWorker } from '../../models/inference-messages.js';
import '../../models/inference-worker.js';
import { releaseFile } from './release-file.js';

process.on('message', (message: ToWorker) => {
  if (message.kind !== 'classify') return;
  const [fault, number] = message.window;
  if (fault === 1001) process.exit(3);
  if (fault === 1002) throw new Error('a fault on demand');
  if (fault === 1003) while (!existsSync(releaseFile(process.ppid, number!)));
});
