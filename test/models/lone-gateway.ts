/** A process with an inference worker, for a test that kills it: tells the worker's process id. */
import { readFileSync } from 'node:fs';
import { pino } from 'pino';
import { startInference } from '../../models/inference.js';
import { tower } from './towers.js';

const inference = await startInference({ towers: [tower()], providers: ['cpu'], log: pino({ level: 'silent' }) });
await inference.classify('imu', Float32Array.of(1, 2, 3, 4));
// proc(5): the ids of the processes that this thread has started.
process.send!(Number(readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8')));
