import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { choiceBefore, chosenDirectory, namesIn } from '../../daemon/model-choice.js';
import { answerModelRequest } from '../../daemon/model-requests.js';
import type { PlainModelRequest } from '../../daemon/model-requests.js';
import type { Manifest } from '../../models/manifest.js';
import { loadTower, saveTower, shippedTowerDirectory } from '../../models/store.js';
import { encoder, head, manifest } from '../models/towers.js';

/** A gateway that runs the shipped IMU tower and has further towers in its store. */
async function gateway(t: Test, towers: Record<string, Partial<Manifest>>, named?: string) {
  const dataDirectory = t.testdir();
  const shipped = (await loadTower(shippedTowerDirectory('imu'))).manifest;
  const { window, embedding } = shipped;
  for (const [name, overrides] of Object.entries(towers))
    await saveTower(join(dataDirectory, 'models', name), {
      manifest: manifest({ name, window, embedding, ...overrides }),
      encoder,
      head,
    });
  const installed: string[] = [];
  let changes = 0;
  const running = { manifest: shipped, provider: 'cpu', passedOver: [] } as const;
  const inference = {
    towers: new Map([['imu', running]] as const),
    install: (one: { manifest: Manifest }) => Promise.resolve(void installed.push(one.manifest.name)),
  };
  const config = { dataDirectory, models: { providers: [], threads: 1, towers: named ? { imu: named } : {} } };
  const ask = (request: PlainModelRequest) =>
    answerModelRequest(request, { config, inference, onChange: () => changes++ });
  return { dataDirectory, installed, ask, changes: () => changes };
}

void t.test('activated, activated again, and taken back', async (t) => {
  const { dataDirectory, installed, ask, changes } = await gateway(t, { 'imu-a': {}, 'imu-b': {} });
  t.match(await ask({ action: 'list' }), {
    status: 'ok',
    models: ['imu-a', 'imu-b'],
    active: { imu: 'imu-limu-bert' },
  });
  t.match(await ask({ action: 'activate', model: 'imu-a' }), { status: 'ok' });
  t.match(await ask({ action: 'activate', model: 'imu-b' }), { status: 'ok' });
  t.equal(chosenDirectory(dataDirectory, 'imu'), join(dataDirectory, 'models', 'imu-b'), 'kept for the next start');
  t.match(await ask({ action: 'rollback', modality: 'imu' }), { status: 'ok' });
  t.equal(chosenDirectory(dataDirectory, 'imu'), join(dataDirectory, 'models', 'imu-a'));
  t.equal(choiceBefore(dataDirectory, 'imu'), 'shipped');
  t.match(await ask({ action: 'rollback', modality: 'imu' }), { status: 'ok' });
  t.equal(chosenDirectory(dataDirectory, 'imu'), undefined);
  t.strictSame(installed, ['imu-a', 'imu-b', 'imu-a', 'imu-limu-bert']);
  t.equal(changes(), 4);
  await t.rejects(ask({ action: 'rollback', modality: 'imu' }), /no model was activated/);
});

void t.test('removed, unless it is in use; nothing goes back to it then', async (t) => {
  const { dataDirectory, ask } = await gateway(t, { 'imu-a': {}, 'imu-b': {} });
  await ask({ action: 'activate', model: 'imu-a' });
  await ask({ action: 'activate', model: 'imu-b' });
  await t.rejects(ask({ action: 'remove', model: 'imu-b' }), { message: /'imu-b' is in use for imu; take another/ });
  t.match(await ask({ action: 'remove', model: 'imu-a' }), { status: 'ok', models: ['imu-b'] });
  t.strictSame(await readdir(join(dataDirectory, 'models')), ['active.json', 'imu-b']);
  t.equal(choiceBefore(dataDirectory, 'imu'), 'shipped');
  for (const name of ['imu-a', '..', '../models', 'active.json', ''])
    await t.rejects(ask({ action: 'remove', model: name }), { message: /there is no model/ });
  t.strictSame(await namesIn(dataDirectory), ['imu-b']);
});

void t.test('what does not fit is refused, and nothing is installed', async (t) => {
  const window = { rate: 50, samples: 3, hop: 1, channels: ['x', 'y'] };
  const { dataDirectory, installed, ask } = await gateway(t, {
    wide: { window },
    elsewhere: { embedding: { width: 2, space: 'another' } },
    depth: { modality: 'depth' },
    damaged: {},
  });
  const file = join(dataDirectory, 'models', 'damaged', 'encoder.onnx');
  const bytes = await readFile(file);
  bytes[20]! ^= 1;
  await writeFile(file, bytes);
  await cp(join(dataDirectory, 'models', 'wide'), join(dataDirectory, 'outside'), { recursive: true });
  const refused = (model: string, reason: RegExp) => t.rejects(ask({ action: 'activate', model }), { message: reason });
  await refused('wide', /'wide' reads windows of \[3, 2\].*the running 'imu-limu-bert' of \[152, 6\]/);
  await refused('elsewhere', /into the space 'another'.*cannot be fused/);
  await refused('depth', /no sensor of this gateway needs a tower for depth/);
  await refused('damaged', /has SHA-256/);
  for (const name of ['none', '..', '../outside', '/etc', '', 'Wide', 'wide/', 'a'.repeat(200)])
    await refused(name, /there is no model/);
  t.strictSame(installed, []);
  t.equal(chosenDirectory(dataDirectory, 'imu'), undefined);
});

void t.test('the configuration goes before; a damaged choice is none', async (t) => {
  const { dataDirectory, ask } = await gateway(t, { 'imu-a': {} }, '/towers/mine');
  await t.rejects(ask({ action: 'activate', model: 'imu-a' }), /models\.towers\.imu: \/towers\/mine/);
  await writeFile(join(dataDirectory, 'models', 'active.json'), '{"imu": ["../../etc"]}');
  t.equal(chosenDirectory(dataDirectory, 'imu'), undefined);
  await writeFile(join(dataDirectory, 'models', 'active.json'), '{"imu": [');
  t.equal(chosenDirectory(dataDirectory, 'imu'), undefined);
  t.strictSame(await namesIn(join(dataDirectory, 'nowhere')), []);
});
