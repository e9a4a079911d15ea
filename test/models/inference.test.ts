import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import t from 'tap';
import type { Test } from 'tap';
import { startInference, Superseded } from '../../models/inference.js';
import type { InferenceOptions } from '../../models/inference.js';
import { parseProviders, reasonOf, tryProviders } from '../../models/providers.js';
import { softmax } from '../../models/tower-session.js';
import { releaseFile } from './release-file.js';
import { encoder, head, model, tower } from './towers.js';

const log = pino({ level: 'silent' });
const faulty = new URL('./faulty-worker.js', import.meta.url);
const window = Float32Array.of(1, 2, 3, 4);

async function start(test: Test, options: Partial<InferenceOptions> = {}) {
  const inference = await startInference({ towers: [tower()], providers: ['cpu'], log, ...options });
  test.teardown(() => inference.close());
  return inference;
}

function near(test: Test, found: Float32Array, wanted: readonly number[], tolerance = 1e-6): void {
  test.equal(found.length, wanted.length);
  for (const [i, value] of wanted.entries()) {
    const difference = Math.abs(found[i]! - value);
    test.ok(difference <= tolerance, `element ${i}: ${found[i]!}, by hand ${value}`);
  }
}

/** σ(x) = probability of the first of two classes whose logits differ by x. */
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

void t.test('probabilities and embedding, by hand', async (t) => {
  const inference = await start(t);
  const first = await inference.classify('imu', window);
  // Means over the samples (1, 2), (3, 4): 2, 3. Logits 2 · 2, 2 · 3 + 1.
  near(t, first.embedding, [2, 3]);
  near(t, first.probabilities, [sigmoid(4 - 7), sigmoid(7 - 4)]);
  t.strictSame([...window], [1, 2, 3, 4], 'the caller keeps its window');

  const both = await inference.classify('imu', Float32Array.of(1, 2, 3, 4, 1, 0, 1, 0), 2);
  near(t, both.embedding, [2, 3, 1, 0]);
  near(t, both.probabilities, [sigmoid(-3), sigmoid(3), sigmoid(1), sigmoid(-1)]);

  const shared = new Float32Array(new SharedArrayBuffer(16));
  shared.set([0, 0, 0, 1]);
  near(t, (await inference.classify('imu', shared)).probabilities, [sigmoid(-2), sigmoid(2)]);
  t.equal(first.embedding.buffer.byteLength, 8, 'an answer keeps nothing else in memory');

  const running = inference.towers.get('imu')!;
  t.equal(running.provider, 'cpu');
  t.strictSame(running.passedOver, []);
  t.equal(running.manifest.name, 'imu-test');
  t.equal(inference.counters.classified, 3);
});

void t.test('the temperature divides the logits', async (t) => {
  const inference = await start(t, { towers: [tower({ temperature: 2.5 })] });
  const { probabilities } = await inference.classify('imu', window);
  near(t, probabilities, [sigmoid(-3 / 2.5), sigmoid(3 / 2.5)]);
});

void t.test('softmax stands large logits', (t) => {
  near(t, softmax(Float32Array.of(1000, 1000, -1000, 1000), 2, 1), [0.5, 0.5, 0, 1]);
  t.end();
});

void t.test('several towers, each with its own window', async (t) => {
  const wide = tower(
    { name: 'skeleton-test', modality: 'skeleton', window: { rate: 30, samples: 3, hop: 1, channels: ['x', 'y'] } },
    { encoder: model([3, 2], (g, x) => g.reduceMax(x, [1])) },
  );
  const inference = await start(t, { towers: [tower(), wide] });
  const [imu, skeleton] = await Promise.all([
    inference.classify('imu', window),
    inference.classify('skeleton', Float32Array.of(1, 2, 5, 3, 4, 4)),
  ]);
  near(t, imu.embedding, [2, 3]);
  near(t, skeleton.embedding, [5, 4]);
  await t.rejects(start(t, { towers: [tower(), tower()] }), { message: /two towers are of the same modality/ });
});

void t.test('a window that does not fit is refused with a message, and the next one is answered', async (t) => {
  const inference = await start(t);
  const refused = (promise: Promise<unknown>, message: RegExp) => t.rejects(promise, { name: 'ModelError', message });
  await refused(
    inference.classify('imu', new Float32Array(5)),
    /imu-test needs windows \[1, 2, 2\], 4 numbers; it got 5/,
  );
  await refused(inference.classify('imu', window, 0), /needs windows \[0, 2, 2\]/);
  await refused(inference.classify('imu', window, 1.5), /needs windows/);
  await refused(inference.classify('imu', Float32Array.of(1, 2, 3, NaN)), /value 3 \(acceleration y, m\/s²\) is NaN/);
  await refused(inference.classify('imu', Float32Array.of(-Infinity, 2, 3, 4)), /value 0 .* is -Infinity/);
  await refused(inference.classify('lidar', window), /no tower for lidar; towers: imu/);
  t.equal(inference.counters.failed, 6);
  near(t, (await inference.classify('imu', window)).embedding, [2, 3]);
});

void t.test('a result that overflows is refused', async (t) => {
  const inference = await start(t);
  await t.rejects(inference.classify('imu', new Float32Array(4).fill(3e38)), {
    message: /the imu tower did not run: .* no finite number/,
  });
  near(t, (await inference.classify('imu', window)).embedding, [2, 3]);
});

void t.test('files that are no ONNX or do not fit their manifest: one message', async (t) => {
  const fails = (towers: InferenceOptions['towers'], message: RegExp) =>
    t.rejects(start(t, { towers }), { name: 'ModelError', message });
  for (const bytes of [encoder.subarray(0, encoder.length - 20), new Uint8Array(0), new Uint8Array(500).fill(7)])
    await fails([tower({}, { encoder: bytes })], /^the tower 'imu-test': encoder\.onnx is no whole ONNX file/);
  await fails([tower({}, { head: head.subarray(0, 30) })], /^the tower 'imu-test': head\.onnx is no whole ONNX file/);
  await fails([tower({ classes: ['a', 'b', 'c'] })], /head\.onnx has float32 \[1, 2\] → \[1, 2\]; .* → \[N, 3\]/);
  const wide = { embedding: { width: 3, space: 'test' } };
  await fails([tower(wide)], /encoder\.onnx has float32 \[1, 2, 2\] → \[1, 2\]; .* \[N, 2, 2\] → \[N, 3\]/);
  const long = { window: { rate: 1, samples: 9, hop: 1, channels: ['x'] } };
  await fails([tower(long)], /encoder\.onnx has float32 \[1, 2, 2\]/);
  const infinite = model([2, 2], (g, x) => g.log(g.reduceMean(x, [1])));
  await fails([tower({}, { encoder: infinite })], /no execution provider runs it: cpu: .* no finite number/);
});

void t.test('names of providers', (t) => {
  t.strictSame(parseProviders(['webgpu', 'cpu']), ['webgpu', 'cpu']);
  t.throws(() => parseProviders(['gpu']), { message: "unknown execution provider 'gpu'; known are cuda, webgpu, cpu" });
  t.throws(() => parseProviders([]), { message: /no execution provider is named/ });
  t.throws(() => parseProviders(['cpu', 'cpu']), { message: /named twice/ });
  t.end();
});

void t.test('providers are tried in order, with the reason for each that is passed over', async (t) => {
  const tried: string[] = [];
  const choice = await tryProviders(['webgpu', 'cuda', 'cpu'], (provider) => {
    tried.push(provider);
    return provider === 'cpu' ? Promise.resolve(7) : Promise.reject(new Error(`no ${provider} here\nat line 2`));
  });
  t.strictSame(tried, ['webgpu', 'cuda', 'cpu']);
  t.strictSame(choice, {
    value: 7,
    provider: 'cpu',
    passedOver: [
      { provider: 'webgpu', reason: 'no webgpu here' },
      { provider: 'cuda', reason: 'no cuda here' },
    ],
  });
  const none = tryProviders(['cuda', 'cpu'], (provider) => Promise.reject(new Error(provider)));
  await t.rejects(none, { name: 'ModelError', message: 'no execution provider runs it: cuda: cuda; cpu: cpu' });
  t.equal(reasonOf(new Error('x'.repeat(1000))).length, 301);
});

for (const [fault, reason] of [
  [1001, /exit code 3/],
  [1002, /a fault on demand/],
] as const)
  void t.test(`a worker that ends (${fault}) is started again, and what waits is answered`, async (t) => {
    const inference = await start(t, { script: faulty, restartDelay: 0.01 });
    const dying = inference.classify('imu', Float32Array.of(fault, 0, 0, 0));
    const behind = inference.classify('imu', window);
    await t.rejects(dying, { name: 'ModelError', message: reason });
    near(t, (await behind).embedding, [2, 3]);
    t.match(inference.counters, { classified: 1, failed: 1, restarts: 1 });
    await t.rejects(inference.classify('imu', Float32Array.of(fault, 0, 0, 0)), { message: reason });
    near(t, (await inference.classify('imu', window)).embedding, [2, 3]);
    t.equal(inference.counters.restarts, 2);
  });

let stuckWindows = 0;

/** A window that keeps the faulty worker busy until `release`. */
function stuckWindow(test: Test) {
  const number = ++stuckWindows;
  const file = releaseFile(process.pid, number);
  test.teardown(() => rmSync(file, { force: true }));
  return { values: Float32Array.of(1003, number, 0, 0), release: () => writeFileSync(file, '') };
}

void t.test('a request that hangs is rejected at its deadline, and another worker takes over', async (t) => {
  const inference = await start(t, { script: faulty, deadline: 0.3, restartDelay: 0.01 });
  const { values } = stuckWindow(t);
  await t.rejects(inference.classify('imu', values), { name: 'ModelError', message: /no answer .* within 0\.3 s/ });
  // On a busy machine the new worker may take longer than this deadline to start.
  const again = () => inference.classify('imu', window).catch(() => undefined);
  let answer = await again();
  for (let tries = 0; tries < 100 && !answer; tries++) answer = await again();
  near(t, answer?.embedding ?? new Float32Array(0), [2, 3]);
  t.ok(inference.counters.restarts >= 1);
});

void t.test('the queue is bounded a tower: the oldest waiting request is superseded', async (t) => {
  const inference = await start(t, { script: faulty, waitingLimit: 2 });
  const { values, release } = stuckWindow(t);
  const blocking = inference.classify('imu', values);
  const [first, second, third, fourth] = [1, 2, 3, 4].map((x) =>
    inference.classify('imu', new Float32Array(4).fill(x)),
  );
  await t.rejects(first!, new Superseded('the imu tower is slower than its windows come: 2 newer ones wait'));
  await t.rejects(second!, { name: 'Superseded' });
  t.equal(inference.counters.superseded, 2);
  release();
  await blocking;
  near(t, (await third!).embedding, [3, 3]);
  near(t, (await fourth!).embedding, [4, 4]);
  t.match(inference.counters, { classified: 3, failed: 0, superseded: 2, restarts: 0 });
});

void t.test('a waiting window is not changed by what its owner writes later', async (t) => {
  const inference = await start(t);
  const reused = Float32Array.of(1, 1, 1, 1);
  const answers = [1, 2, 3].map((value) => inference.classify('imu', reused.fill(value)));
  reused.fill(9);
  for (const [i, answer] of (await Promise.all(answers)).entries()) near(t, answer.embedding, [i + 1, i + 1]);
});

void t.test('close while busy: what computes is answered, what waits is rejected', async (t) => {
  const inference = await start(t, { script: faulty });
  const { values, release } = stuckWindow(t);
  const computing = inference.classify('imu', values);
  const waiting = inference.classify('imu', window);
  const closing = inference.close();
  await t.rejects(waiting, { name: 'ModelError', message: 'inference is closed' });
  release();
  t.equal((await computing).embedding.length, 2);
  await closing;
  await inference.close();
  await t.rejects(inference.classify('imu', window), { message: 'inference is closed' });
});

void t.test('close while a worker is being started again', async (t) => {
  const inference = await start(t, { script: faulty, restartDelay: 0 });
  await t.rejects(inference.classify('imu', Float32Array.of(1001, 0, 0, 0)));
  const waiting = inference.classify('imu', window);
  await sleep(1);
  const closing = inference.close();
  await t.rejects(waiting, { message: 'inference is closed' });
  await closing;
});

void t.test('close while stuck: the worker is killed', async (t) => {
  const inference = await start(t, { script: faulty });
  const computing = inference.classify('imu', stuckWindow(t).values);
  const closing = inference.close(0.2);
  await t.rejects(computing, { name: 'ModelError', message: 'inference is closed' });
  await closing;
});

void t.test('a gateway that is killed leaves no worker behind', async (t) => {
  const gateway = fork(new URL('./lone-gateway.js', import.meta.url));
  const [worker] = (await once(gateway, 'message')) as [number];
  const runs = () => existsSync(`/proc/${worker}`);
  t.ok(worker > 0 && runs());
  gateway.kill('SIGKILL');
  const end = Date.now() + 20_000;
  while (runs() && Date.now() < end) await sleep(20);
  t.notOk(runs());
});

void t.test('the event loop turns while a model computes', async (t) => {
  const width = 384;
  const values = Float32Array.from({ length: width * width }, (_, i) => ((i * 37) % 101) / 101 / width);
  const slow = model([width, width], (g, x) => {
    const w = g.parameter('w', [width, width], values);
    let y = x;
    for (let i = 0; i < 60; i++) y = g.matMul(y, w);
    return g.slice(g.reduceMean(y, [1]), 1, 0, 2);
  });
  const channels = Array.from({ length: width }, (_, i) => `channel ${i}`);
  const large = tower({ window: { rate: 50, samples: width, hop: 1, channels } }, { encoder: slow });
  const inference = await start(t, { towers: [large] });
  let turns = 0;
  let done = false;
  const answer = inference.classify('imu', new Float32Array(width * width).fill(1)).finally(() => (done = true));
  const turn = () => {
    turns++;
    if (!done) setImmediate(turn);
  };
  setImmediate(turn);
  await answer;
  // If the run blocked this thread, one or two turns would do.
  t.ok(turns > 20, `${turns} turns`);
});
