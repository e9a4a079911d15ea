import { pino } from 'pino';
import t from 'tap';
import type { Test } from 'tap';
import { startInference } from '../../models/inference.js';
import type { InferenceOptions } from '../../models/inference.js';
import { chooseProviders, startProbe } from '../../models/provider-choice.js';
import type { ProbeOptions } from '../../models/provider-choice.js';
import { disagreement, medianMilliseconds, trialWindows } from '../../models/provider-trial.js';
import type { Provider } from '../../models/providers.js';
import type { Classification, TowerSession } from '../../models/tower-session.js';
import { tower } from './towers.js';

const log = pino({ level: 'silent' });
const window = Float32Array.of(1, 2, 3, 4);
const faulty = { script: new URL('./faulty-probe.js', import.meta.url) };
/** `webgpu` takes 2 ms and `cuda` 4 ms, where the CPU takes 3 ms; but for one tower, that webgpu computes wrong. */
const measured = { script: new URL('./measuring-probe.js', import.meta.url) };

async function start(test: Test, options: Partial<InferenceOptions>) {
  const inference = await startInference({ towers: [tower()], log, ...options });
  test.teardown(() => inference.close());
  return inference;
}

async function tried(provider: Provider, towers: readonly ReturnType<typeof tower>[], options?: ProbeOptions) {
  const probe = startProbe(provider, towers, 1, options);
  const reasons = await probe.tried;
  probe.end();
  return reasons;
}

void t.test('every configured provider is really tried; those that do not serve have a reason', async (t) => {
  const lines: { msg: string; tower?: string; provider?: string; passedOver?: object }[] = [];
  const capture = pino({}, { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[0]) });
  const inference = await start(t, { providers: ['cuda', 'webgpu', 'cpu'], log: capture });
  const { provider, passedOver, milliseconds } = inference.towers.get('imu')!;
  // Which serve depends on the machine; that the one in use computes right, and each other has a time or a reason, does not.
  const { embedding } = await inference.classify('imu', window);
  t.ok(Math.abs(embedding[0]! - 2) < 1e-4 && Math.abs(embedding[1]! - 3) < 1e-4);
  for (const other of ['cuda', 'webgpu', 'cpu'] as const) {
    const reason = passedOver.find((each) => each.provider === other)?.reason;
    if (other === provider) t.equal(reason, undefined);
    else if (reason !== undefined) t.match(reason, /\w/, `${other}: ${reason}`);
    else t.ok(milliseconds![other]! >= milliseconds![provider]!, `${other} is slower`);
  }
  t.equal(lines.length, 1, 'one line');
  t.match(lines[0], { tower: 'imu-test', provider, passedOver });
  t.match(lines[0]!.msg, new RegExp(`^imu-test runs on ${provider}`));
  for (const each of passedOver) t.ok(lines[0]!.msg.includes(`${each.provider}: ${each.reason}`));
});

void t.test('a provider that crashes or hangs does so in a child process', async (t) => {
  t.strictSame(await tried('cuda', [tower()], faulty), ['the process that tried it crashed (SIGABRT)']);
  const hangs = await tried('webgpu', [tower(), tower()], { ...faulty, limit: 0.5 });
  t.strictSame(hangs, ['it gave no answer within 0.5 s', 'it gave no answer within 0.5 s']);

  const inference = await start(t, { providers: ['cuda', 'cpu'], probe: faulty });
  t.match(inference.towers.get('imu'), { provider: 'cpu', passedOver: [{ provider: 'cuda', reason: /SIGABRT/ }] });
  await t.rejects(start(t, { providers: ['cuda'], probe: faulty }), {
    name: 'ModelError',
    message: /imu-test does not run: cuda: .*SIGABRT.*; add cpu/,
  });
});

void t.test('the probe runs the tower for real, and measures it', async (t) => {
  const probe = startProbe('cpu', [tower({}, { encoder: new Uint8Array(9) }), tower()]);
  t.teardown(() => probe.end());
  const [first, second] = await probe.tried;
  t.match(first, /no whole ONNX file/);
  t.equal(second, undefined);
  const times = await probe.measure();
  t.match(times, [{ kind: 'measured' }, { milliseconds: Number, cpu: Number }]);
  t.ok(typeof times !== 'string' && times[1]!.milliseconds! > 0 && times[1]!.cpu! > 0);
});

void t.test('the fastest serves; the order decides nothing that was measured', async (t) => {
  const choose = (names: Provider[]) => chooseProviders([tower()], names, 1, measured);
  const all = { webgpu: 2, cuda: 4, cpu: 3 };
  t.match(await choose(['cpu', 'cuda', 'webgpu']), [{ providers: ['webgpu', 'cpu'], milliseconds: all }]);
  t.match(await choose(['cuda', 'webgpu', 'cpu']), [{ providers: ['webgpu', 'cpu'], milliseconds: all }]);
  t.match(await choose(['cuda', 'cpu']), [{ providers: ['cpu'], milliseconds: { cuda: 4, cpu: 3 } }]);
  t.match(await choose(['cuda', 'webgpu']), [{ providers: ['webgpu', 'cuda'], milliseconds: { cuda: 4, webgpu: 2 } }]);
  const [alone] = await choose(['cuda']);
  t.match(alone, { providers: ['cuda'], passedOver: [] });
  t.equal(alone!.milliseconds, undefined, 'nothing to choose from, nothing measured');
});

void t.test('the choice is per tower', async (t) => {
  const wrong = tower({ name: 'depth-wrong', modality: 'depth' });
  const [imu, depth] = await chooseProviders([tower(), wrong], ['webgpu', 'cpu'], 1, measured);
  t.match(imu, { providers: ['webgpu', 'cpu'], passedOver: [] });
  t.match(depth, { providers: ['cpu'], passedOver: [{ provider: 'webgpu', reason: 'its embeddings differ' }] });
  t.equal(depth!.milliseconds, undefined);
});

void t.test('results that are not the CPU ones are told', async (t) => {
  const session = (result: (x: number) => [number[], number[]]): TowerSession => ({
    run: (data) => {
      const [probabilities, embedding] = result(data[0]!).map((each) => Float32Array.from(each));
      return Promise.resolve({ probabilities, embedding } as Classification);
    },
    release: () => Promise.resolve(),
  });
  const windows = trialWindows(4, 10);
  const cpu = session((x) => [
    [0.4, 0.6],
    [x, 1],
  ]);
  t.equal(await disagreement(cpu, cpu, windows), undefined);
  const near = session((x) => [
    [0.45, 0.55],
    [x + 0.009, 1],
  ]);
  t.equal(await disagreement(near, cpu, windows), undefined);
  const far = session((x) => [
    [0.4, 0.6],
    [x + 0.02, 1],
  ]);
  t.match(
    await disagreement(far, cpu, windows),
    /embeddings differ from the CPU's by 0\.020; allowed is less than 0\.01/,
  );
  const other = session((x) => [
    [0.6, 0.4],
    [x, 1],
  ]);
  t.equal(await disagreement(other, cpu, windows), "it gives another label than the CPU's");
});

void t.test('windows to try are the same each time, and differ among themselves', (t) => {
  const [first, second] = trialWindows(2, 1000);
  t.strictSame(trialWindows(2, 1000), [first, second]);
  t.notSame(first, second);
  t.ok([...first!, ...second!].every((value) => value >= 0 && value < 1));
  const mean = first!.reduce((sum, value) => sum + value / 1000, 0);
  // Standard deviation of the mean: 1 / √12 / √1000 = 0.009.
  t.ok(Math.abs(mean - 0.5) < 0.04, `mean ${mean}`);
  t.end();
});

void t.test('the median is bounded in runs and in time', async (t) => {
  let runs = 0;
  const count = () => Promise.resolve(runs++);
  await medianMilliseconds(count, 5);
  t.equal(runs, 7, 'two before, to warm up');
  runs = 0;
  await medianMilliseconds(count, 50, 0);
  t.equal(runs, 5, 'three at least');
});
