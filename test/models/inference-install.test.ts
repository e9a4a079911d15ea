import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import t from 'tap';
import type { Test } from 'tap';
import { startInference } from '../../models/inference.js';
import { model, tower } from './towers.js';

const log = pino({ level: 'silent' });
const window = Float32Array.of(1, 2, 3, 4);
/** Embedding = the maximum of the window over its samples: 3, 4 where the mean is 2, 3. */
const other = () => tower({ name: 'imu-other' }, { encoder: model([2, 2], (g, x) => g.reduceMax(x, [1])) });

async function start(test: Test) {
  const inference = await startInference({ towers: [tower()], providers: ['cpu'], log });
  test.teardown(() => inference.close());
  return inference;
}

void t.test(
  'a tower is exchanged while windows come: each has its answer, of the old one first, then of the new',
  async (t) => {
    const inference = await start(t);
    const found: number[] = [];
    const state = { exchanged: false };
    const exchange = inference.install(other()).then(() => (state.exchanged = true));
    // On a busy machine the new worker takes its time.
    const end = Date.now() + 30_000;
    for (let i = 0; Date.now() < end && !(state.exchanged && found.at(-1) === 3); i++) {
      found.push((await inference.classify('imu', window)).embedding[0]!);
      if (i % 50 === 0) await sleep(5);
    }
    await exchange;
    t.equal(found[0], 2);
    t.equal(found.at(-1), 3);
    const first = found.indexOf(3);
    t.ok(found.slice(0, first).every((value) => value === 2) && found.slice(first).every((value) => value === 3));
    t.ok(first > 1, `${first} windows while the new one was opened`);
    t.equal(inference.counters.failed + inference.counters.superseded, 0);
    t.equal(inference.towers.get('imu')!.manifest.name, 'imu-other');
  },
);

void t.test(
  'several at once are installed one after the other, and a further modality beside the others',
  async (t) => {
    const inference = await start(t);
    const depth = tower({ name: 'depth-test', modality: 'depth' });
    await Promise.all([inference.install(other()), inference.install(depth), inference.install(tower())]);
    t.strictSame([...inference.towers.keys()].sort(), ['depth', 'imu']);
    t.equal((await inference.classify('imu', window)).embedding[0], 2);
    t.equal((await inference.classify('depth', window)).embedding[0], 2);
  },
);

void t.test('a tower that does not run is refused, and the old one goes on', async (t) => {
  const inference = await start(t);
  await t.rejects(inference.install(tower({}, { encoder: Uint8Array.of(1, 2, 3) })), /no whole ONNX file/);
  const wide = model([3, 2], (g, x) => g.reduceMean(x, [1]));
  await t.rejects(inference.install(tower({}, { encoder: wide })), /its manifest needs float32/);
  t.equal((await inference.classify('imu', window)).embedding[0], 2);
  t.equal(inference.counters.restarts, 0);
  await inference.install(other());
  t.equal((await inference.classify('imu', window)).embedding[0], 3, 'a later one is not held up');
});

void t.test('not after the end', async (t) => {
  const inference = await start(t);
  const late = inference.install(other());
  await inference.close();
  await t.rejects(late, /inference is closed/);
});
