import { pino } from 'pino';
import t from 'tap';
import type { Test } from 'tap';
import { startInference } from '../../models/inference.js';
import type { InferenceOptions } from '../../models/inference.js';
import { tower } from './towers.js';

const window = Float32Array.of(1, 2, 3, 4);
const faultyWindow = (fault: number) => Float32Array.of(fault, 2, 3, 4);

/** Two towers on a `webgpu` that is the fastest by measurement and fails on demand. */
async function start(test: Test, options: Partial<InferenceOptions> = {}) {
  const warnings: { provider?: string; msg: string }[] = [];
  const log = pino(
    { level: 'warn' },
    { write: (line: string) => void warnings.push(JSON.parse(line) as (typeof warnings)[0]) },
  );
  let changes = 0;
  const inference = await startInference({
    towers: [tower(), tower({ name: 'depth-test', modality: 'depth' })],
    providers: ['webgpu', 'cpu'],
    log,
    restartDelay: 0.01,
    probe: { script: new URL('./measuring-probe.js', import.meta.url) },
    script: new URL('./faulty-gpu-worker.js', import.meta.url),
    onChange: () => changes++,
    ...options,
  });
  test.teardown(() => inference.close());
  const providers = () => [...inference.towers.values()].map(({ provider }) => provider);
  return { inference, warnings, providers, changes: () => changes };
}

void t.test('a run that fails on the GPU is done by the CPU, which goes on with all towers', async (t) => {
  const { inference, warnings, providers, changes } = await start(t);
  t.strictSame(providers(), ['webgpu', 'webgpu']);
  const failing = inference.classify('imu', faultyWindow(1002));
  const behind = [1, 2, 3].map(() => inference.classify('depth', window));
  t.strictSame([...(await failing).embedding], [502.5, 3], 'no window is lost');
  for (const answer of behind) t.strictSame([...(await answer).embedding], [2, 3]);
  while (changes() === 0) await inference.classify('imu', window);
  t.strictSame(providers(), ['cpu', 'cpu']);
  t.match(inference.towers.get('depth'), {
    passedOver: [{ provider: 'webgpu', reason: 'it failed while running: Device lost' }],
    milliseconds: { webgpu: 2, cpu: 3 },
  });
  t.equal(changes(), 1, 'told once');
  t.match(warnings, [{ provider: 'webgpu', msg: /^webgpu failed while running/ }]);
  t.match(inference.counters, { failed: 0, superseded: 0, restarts: 0 });

  await inference.install(tower({ name: 'imu-other' }));
  t.strictSame(providers(), ['cpu', 'cpu'], 'a tower that is installed later does not go there either');
});

for (const [fault, reason] of [
  [1001, /SIGSEGV/],
  [1003, /no answer of the imu tower within 1 s/],
] as const)
  void t.test(`a GPU that takes the worker with it (${fault}): only the window in flight is lost`, async (t) => {
    const { inference, providers, changes } = await start(t, { deadline: 1 });
    const lost = inference.classify('imu', faultyWindow(fault));
    const behind = [inference.classify('imu', window), inference.classify('depth', window)];
    await t.rejects(lost, { name: 'ModelError', message: reason });
    // On a busy machine the new worker may take longer to start than these may wait.
    for (const answer of await Promise.allSettled(behind))
      if (answer.status === 'fulfilled') t.strictSame([...answer.value.embedding], [2, 3]);
      else t.match(answer.reason, { message: /it waited 1 s/ });
    while (changes() === 0) await inference.classify('imu', window).catch(() => undefined);
    t.strictSame([...(await inference.classify('imu', window)).embedding], [2, 3]);
    t.strictSame(providers(), ['cpu', 'cpu']);
    t.match(inference.towers.get('imu')!.passedOver, [{ provider: 'webgpu', reason: /^it failed while running: / }]);
    t.equal(inference.counters.restarts, 1);
  });

void t.test('a GPU that crashes where the probe did not', async (t) => {
  const { providers, inference } = await start(t, { towers: [tower({ name: 'imu-crash' })] });
  t.strictSame(providers(), ['cpu']);
  t.match(inference.towers.get('imu')!.passedOver, [{ provider: 'webgpu', reason: /SIGABRT/ }]);
  t.strictSame([...(await inference.classify('imu', window)).embedding], [2, 3]);
});

void t.test('a window that the CPU does not compute either is no fault of the GPU', async (t) => {
  const { inference, providers } = await start(t);
  await t.rejects(inference.classify('imu', new Float32Array(4).fill(3e38)), { message: /no finite number/ });
  t.strictSame([...(await inference.classify('imu', window)).embedding], [2, 3]);
  t.strictSame(providers(), ['webgpu', 'webgpu']);
});

void t.test('where the configuration names the GPU alone, it is started again', async (t) => {
  const { inference, providers } = await start(t, { providers: ['webgpu'] });
  await t.rejects(inference.classify('imu', faultyWindow(1002)), { message: /Device lost/ });
  await t.rejects(inference.classify('imu', faultyWindow(1001)), { message: /SIGSEGV/ });
  t.strictSame([...(await inference.classify('imu', window)).embedding], [2, 3]);
  t.strictSame(providers(), ['webgpu', 'webgpu']);
});

void t.test('the process ends with the gateway, and not before it', async (t) => {
  const { inference } = await start(t);
  await inference.classify('imu', faultyWindow(1004));
  t.strictSame(
    [...(await inference.classify('imu', window)).embedding],
    [2, 3],
    'a SIGTERM for the whole group does nothing',
  );
  t.equal(inference.counters.restarts, 0);
});
