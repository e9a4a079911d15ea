/**
 * The inference worker with faults on demand, in the test's hands: the first number of a window says which.
 * 1001: the thread ends. 1002: it throws. 1003 with a second number: it is stuck until the shared memory of the window says 1.
 */
import { parentPort } from 'node:worker_threads';
import type { ToWorker } from '../../models/inference-messages.js';
import '../../models/inference-worker.js';

parentPort!.on('message', (message: ToWorker) => {
  if (message.kind !== 'classify') return;
  const fault = message.window[0];
  if (fault === 1001) process.exit(3);
  if (fault === 1002) throw new Error('a fault on demand');
  if (fault === 1003) Atomics.wait(new Int32Array(message.window.buffer as SharedArrayBuffer), 3, 0, 30_000);
});
