/** Towers that come with requests, honest ones and others: into the store as a whole, or not at all. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t, { type Test } from 'tap';
import { proveInstall } from '../../daemon/install-proof.js';
import { loadExamples } from '../../daemon/learning/examples.js';
import { clearUnfinished, createInstaller, type InstallerOptions } from '../../daemon/model-install.js';
import { largestInstall } from '../../daemon/topics.js';
import type { Inference } from '../../models/inference.js';
import { loadTower, sha256 } from '../../models/store.js';
import { encoder, head, manifest, model, tower } from '../models/towers.js';

const base64 = (bytes: Uint8Array | string) => Buffer.from(bytes).toString('base64');

type Parts = Partial<Record<'manifest' | 'encoder' | 'head', Uint8Array | string>>;

/** A request to install the test tower, with what is changed in it. */
function request(changes: Parameters<typeof manifest>[0] = {}, parts: Parts = {}, more: object = {}): Buffer {
  const models = { encoder: parts.encoder ?? encoder, head: parts.head ?? head };
  const bytes = (part: 'encoder' | 'head') => Uint8Array.from(Buffer.from(models[part]));
  const whole = tower(changes, { encoder: bytes('encoder'), head: bytes('head') });
  const files = {
    manifest: base64(parts.manifest ?? JSON.stringify(whole.manifest)),
    encoder: base64(models.encoder),
    head: base64(models.head),
  };
  return Buffer.from(JSON.stringify({ action: 'install', model: 'imu-a', transaction: '7', files, ...more }));
}

/** A request with more files than it must have. */
function sentWith(files: object): Buffer {
  const whole = JSON.parse(request().toString()) as { files: object };
  return Buffer.from(JSON.stringify({ ...whole, files: { ...whole.files, ...files } }));
}

/** One embedding of `left`, as `examples.json` has it. */
function examplesOf(space: string): string {
  const embedding = base64(new Uint8Array(Float32Array.of(2, 3).buffer));
  return JSON.stringify({
    formatVersion: 1,
    width: 2,
    space,
    trained: ['left'],
    examples: [{ label: 'left', embedding }],
  });
}

/** A gateway whose imu tower reads windows of [2, 2] into the space `test`. */
function gateway(t: Test, more: Partial<InstallerOptions> = {}) {
  const dataDirectory = more.dataDirectory ?? t.testdir();
  const { manifest: running } = tower();
  const inference = { towers: new Map([['imu', { manifest: running, provider: 'cpu', passedOver: [] }]]) };
  const { install } = createInstaller({ dataDirectory, inference: inference as unknown as Inference, ...more });
  const store = join(dataDirectory, 'models');
  return { dataDirectory, store, install, stored: () => readdir(store).catch(() => []) };
}

/** The same in this process, which is quicker. */
function proof(t: Test) {
  const store = t.testdir({ 'imu-old': {} });
  const folder = join(store, '.unfinished-1234');
  const { manifest: running } = tower();
  return {
    store,
    prove: async (sent: Buffer) => {
      await mkdir(folder);
      const reply = await proveInstall({ folder, store, running: [['imu', running]] }, sent, () => undefined);
      await rm(folder, { recursive: true });
      return reply;
    },
  };
}

void t.test('a tower that fits is in the store, file by file as it was sent', async (t) => {
  const { install, store, stored } = gateway(t);
  const sent = request();
  t.strictSame(await install(sent), { transaction: '7', status: 'ok', models: ['imu-a'] });
  t.strictSame(await stored(), ['imu-a']);
  const found = await loadTower(join(store, 'imu-a'));
  t.equal(sha256(found.encoder), sha256(encoder));
  t.strictSame((await readdir(join(store, 'imu-a'))).sort(), ['encoder.onnx', 'head.onnx', 'manifest.json']);

  t.match(await install(sent), { status: 'ok' }, 'the same again is no mistake');
  const another = request({ title: 'another one' });
  t.match(await install(another), { status: 'error', reason: /another model 'imu-a' in the store/ });
  t.equal((await loadTower(join(store, 'imu-a'))).manifest.title, manifest().title, 'the old one stays');
  await writeFile(join(store, 'imu-a', 'head.onnx'), 'damaged');
  t.match(await install(sent), { status: 'error', reason: /another model/ }, 'a damaged one is not the same');
  t.strictSame(await stored(), ['imu-a']);
});

void t.test('its examples come with it', async (t) => {
  const { install, store } = gateway(t);
  t.match(await install(sentWith({ examples: base64(examplesOf('test')) })), { status: 'ok', models: ['imu-a'] });
  t.match(await loadExamples(join(store, 'imu-a')), { trained: ['left'], examples: [{ label: 'left' }] });
});

void t.test('what is wrong is refused with the reason, and writes nothing outside its folder', async (t) => {
  const { prove, store } = proof(t);
  const whole = tower().manifest;
  const naming = (path: string) => {
    const { encoder: one, head: other } = whole.files;
    return { manifest: JSON.stringify({ ...whole, files: { encoder: { ...one, path }, head: other } }) };
  };
  const wide = model([3, 2], (g, x) => g.reduceMean(x, [1]));
  const cut = encoder.slice(0, encoder.length - 40);
  const cases: [string, Buffer, RegExp][] = [
    ['no JSON', Buffer.from('{"action": "install"'), /no JSON/],
    ['no object', Buffer.from('null'), /the whole: /],
    ['bytes', Buffer.from([0xff, 0xfe, 0, 1]), /no JSON/],
    ['another action', Buffer.from('{"action":"list"}'), /only a request to install/],
    ['an unknown key', request({}, {}, { overwrite: true }), /overwrite/],
    ['a path as name', request({}, {}, { model: '../../outside' }), /model: must be lower-case/],
    [
      'no base64',
      request({}, {}, { files: { manifest: '%%%%', encoder: 'AAAA', head: 'AAAA' } }),
      /files\.manifest: is no base64/,
    ],
    ['an empty file', request({}, {}, { files: { manifest: 'AAAA', encoder: '', head: 'AAAA' } }), /files\.encoder/],
    ['examples that are none', sentWith({ examples: base64('{}') }), /examples\.json is damaged/],
    [
      'examples of another space',
      sentWith({ examples: base64(examplesOf('elsewhere')) }),
      /of 'elsewhere' \[2\], not of/,
    ],
    ['a file out of the folder', request({}, naming('../../../outside.onnx')), /must be a plain file name/],
    ['a hidden file', request({}, naming('.bashrc')), /must be a plain file name/],
    ['an absolute file', request({}, naming('/tmp/outside.onnx')), /must be a plain file name/],
    ['one file twice', request({}, naming('head.onnx')), /names one file twice/],
    ['the manifest as model', request({}, naming('manifest.json')), /names one file twice/],
    ['a manifest that is none', request({}, { manifest: '{"formatVersion": 1}' }), /no tower manifest/],
    ['a manifest that is no JSON', request({}, { manifest: '[[[[' }), /manifest\.json is no JSON/],
    ['a wrong checksum', request({}, { manifest: JSON.stringify(whole), head: encoder }), /head\.onnx has SHA-256/],
    ['another window', request({ window: { ...whole.window, samples: 3 } }), /reads windows of \[3, 2\]/],
    [
      'a window beyond all memory',
      request({ window: { ...whole.window, samples: 1_000_000, shape: [1_000_000, 1_000_000] } }),
      /reads windows of/,
    ],
    ['another space', request({ embedding: { width: 2, space: 'elsewhere' } }), /into the space 'elsewhere'/],
    ['another width', request({ embedding: { width: 3, space: 'test' } }), /into the space 'test' \[3\]/],
    ['another modality', request({ modality: 'depth' }), /no sensor of this gateway needs a tower for depth/],
    ['an ONNX file that is cut off', request({}, { encoder: cut }), /encoder\.onnx/],
    ['no ONNX file', request({}, { encoder: 'not a model at all' }), /encoder\.onnx is no whole ONNX file/],
    ['an ONNX file of another shape', request({}, { encoder: wide }), /encoder\.onnx has float32 \[1, 3, 2\]/],
    ['more classes than logits', request({ classes: ['a', 'b', 'c'] }), /head\.onnx has float32/],
    [
      'a model that gives no numbers',
      request({}, { encoder: model([2, 2], (g, x) => g.div(g.reduceMean(x, [1]), 0)) }),
      /no finite number/,
    ],
  ];
  for (const [what, sent, reason] of cases) {
    const reply = await prove(sent);
    t.match(reply, { kind: 'refused', reason }, what);
    t.notMatch(reply, { reason: /install-1234/ }, `${what}: no name of a temporary folder`);
    t.strictSame(await readdir(store), ['imu-old'], `${what}: nothing is left`);
  }
  t.strictSame(await prove(request()), { kind: 'proven', model: 'imu-a' });
});

void t.test('of what is refused nothing is left in the store', async (t) => {
  const { install, stored, dataDirectory } = gateway(t);
  const cut = encoder.slice(0, encoder.length - 40);
  t.match(await install(request({}, { encoder: cut })), { status: 'error', transaction: '7', reason: /encoder\.onnx/ });
  t.match(await install(request({ modality: 'depth' })), { status: 'error', reason: /no sensor of this gateway/ });
  t.strictSame(await stored(), []);
  t.strictSame(await readdir(dataDirectory), ['models'], 'nothing beside the store');
});

void t.test('JSON that unfolds to more than the memory ends a child, not the gateway', async (t) => {
  const { install, stored } = gateway(t);
  const bomb = Buffer.alloc(32 * 1024 * 1024, '[],');
  bomb[0] = 0x5b;
  bomb.write('[]]', bomb.length - 3);
  t.match(await install(bomb), { status: 'error', reason: /crash|no JSON/ });
  const deep = Buffer.alloc(8 * 1024 * 1024, '[');
  t.match(await install(deep), { status: 'error' });
  t.strictSame(await stored(), []);
});

void t.test('the largest request is read; what it holds is no model', async (t) => {
  const { install, stored } = gateway(t);
  const empty = request({}, { head: 'x' });
  const large = request({}, { head: 'x'.repeat(Math.floor(((largestInstall - empty.length) * 3) / 4) - 8) });
  t.ok(large.length <= largestInstall && large.length > largestInstall - 100, `${large.length}`);
  t.match(await install(large), { status: 'error', transaction: '7', reason: /head\.onnx is no whole ONNX file/ });
  t.strictSame(await stored(), []);
});

void t.test('two at the same time: one after the other, and not without end', async (t) => {
  const { install, stored } = gateway(t);
  const answers = await Promise.all([
    install(request()),
    install(request({ title: 'another one' }, {}, { transaction: '8' })),
    install(request({}, {}, { model: 'imu-b', transaction: '9' })),
    install(request({}, {}, { model: 'imu-c' })),
  ]);
  t.match(answers, [
    { status: 'ok', transaction: '7' },
    { status: 'error', transaction: '8', reason: /another model/ },
    { status: 'ok', transaction: '9' },
    { status: 'error', reason: /ask again/ },
  ]);
  t.strictSame(await stored(), ['imu-a', 'imu-b']);
  t.match(await install(request({}, {}, { model: 'imu-c' })), { status: 'ok' });
});

void t.test('what does not end is ended; what a cut leaves behind is cleared at the next start', async (t) => {
  const { install, stored } = gateway(t, { limit: 0.05 });
  t.match(await install(request()), { status: 'error', reason: /did not end within 0\.05 s/ });
  t.strictSame(await stored(), []);

  const { dataDirectory, store, stored: left } = gateway(t);
  await mkdir(join(store, '.unfinished-1234'), { recursive: true });
  await mkdir(join(store, 'imu-old'));
  await writeFile(join(store, '.unfinished-1234', 'encoder.onnx'), 'half a mod');
  await writeFile(join(store, 'active.json'), '{}');
  await clearUnfinished(dataDirectory);
  t.strictSame((await left()).sort(), ['active.json', 'imu-old']);
  t.equal(await readFile(join(store, 'active.json'), 'utf8'), '{}');
  await clearUnfinished(join(dataDirectory, 'nowhere'));
});

void t.test('a child that crashes is told, with the transaction that it had read', async (t) => {
  const code =
    "process.once('message', () => process.send({ kind: 'heard', transaction: '7' }, () => process.abort()));";
  const dataDirectory = t.testdir({ 'crash.mjs': code });
  const script = pathToFileURL(join(dataDirectory, 'crash.mjs'));
  const { install, stored } = gateway(t, { script, dataDirectory });
  t.match(await install(request()), { status: 'error', transaction: '7', reason: /crash \(SIGABRT\)/ });
  t.strictSame(await stored(), []);
});
