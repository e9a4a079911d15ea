/** Records until it is killed: node recording-child.js FILE. Says on its output how many messages the recorder was given so far. */
import { createRecorder } from '../../../drivers/recording/recorder.js';
import { monotonicSeconds } from '../../../drivers/transports/transport.js';

const sensor = {
  sensor: 'wrist',
  driver: 'witmotion-wt901',
  settings: {},
  files: {},
  transport: 'serial',
  place: 'lab',
  virtual: true,
  recorded: false,
};
const recorder = await createRecorder({
  file: process.argv[2]!,
  flushPeriod: 0.1,
  onError: (problem) => {
    console.error(problem);
    process.exit(1);
  },
});
let number = 0;
setInterval(() => {
  for (let i = 0; i < 200; i++) {
    const bytes = Buffer.alloc(4 + (number % 900), number & 255);
    bytes.writeUInt32LE(number);
    recorder.write(sensor, bytes, monotonicSeconds());
    number++;
  }
  process.stdout.write(`${number}\n`);
}, 5);
