import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import type { Test } from 'tap';
import { manifestSchema, ModelError, parseManifest } from '../../models/manifest.js';
import { loadTower, saveTower, sha256, shippedTowerDirectory } from '../../models/store.js';
import { encoder, head, manifest } from './towers.js';

/** A saved tower in a directory of its own. */
async function saved(test: Test, overrides: Parameters<typeof manifest>[0] = {}) {
  const directory = path.join(test.testdir(), 'imu');
  const written = await saveTower(directory, { manifest: manifest(overrides), encoder, head });
  const edit = (change: (value: Record<string, unknown>) => void) => {
    const file = path.join(directory, 'manifest.json');
    const value = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    change(value);
    writeFileSync(file, JSON.stringify(value));
  };
  return { directory, written, edit };
}

async function messageOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (!(error instanceof ModelError)) throw error;
    return error.message;
  }
  throw new Error('nothing was thrown');
}

void t.test('what is saved is loaded again, with checksums filled in and no other file left', async (t) => {
  const { directory, written } = await saved(t);
  const loaded = await loadTower(directory);
  t.strictSame(loaded.manifest, written);
  t.strictSame(Buffer.from(loaded.encoder), Buffer.from(encoder));
  t.strictSame(Buffer.from(loaded.head), Buffer.from(head));
  t.equal(loaded.directory, directory);
  t.equal(written.files.encoder.sha256, sha256(encoder));
  t.equal(sha256(new TextEncoder().encode('abc')).slice(0, 16), 'ba7816bf8f01cfea', 'FIPS 180-2, appendix B.1');

  await saveTower(directory, { manifest: manifest({ title: 'Another' }), encoder: head, head: encoder });
  const again = await loadTower(directory);
  t.equal(again.manifest.title, 'Another');
  t.strictSame(Buffer.from(again.encoder), Buffer.from(head));
  t.strictSame(readdirSync(directory).sort(), ['encoder.onnx', 'head.onnx', 'manifest.json']);
});

void t.test('a malformed manifest is not saved', async (t) => {
  const directory = path.join(t.testdir(), 'imu');
  const wrong = saveTower(directory, { manifest: manifest({ temperature: 0 }), encoder, head });
  t.match(await messageOf(wrong), /temperature/);
  t.notOk(existsSync(directory));
});

void t.test('a changed, cut or missing file: one message with the remedy', async (t) => {
  const { directory } = await saved(t);
  const file = path.join(directory, 'encoder.onnx');
  const remedy = /git checkout -- .*imu\/encoder\.onnx.*babel-gateway pretrain/;

  const bytes = Uint8Array.from(encoder);
  bytes[bytes.length - 1]! ^= 1;
  writeFileSync(file, bytes);
  const changed = await messageOf(loadTower(directory));
  t.match(changed, remedy);
  t.match(changed, `has SHA-256 ${sha256(bytes).slice(0, 12)}…, its manifest says ${sha256(encoder).slice(0, 12)}…`);

  truncateSync(file, 20);
  t.match(await messageOf(loadTower(directory)), /changed or cut off/);

  rmSync(file);
  const missing = await messageOf(loadTower(directory));
  t.match(missing, /encoder\.onnx is missing/);
  t.match(missing, remedy);

  mkdirSync(file);
  t.match(await messageOf(loadTower(directory)), /is no file/);
  t.match(await messageOf(loadTower(path.join(directory, 'nothing'))), /manifest\.json is missing/);
});

void t.test(
  'a named pipe in a file’s place is refused, not waited for',
  { skip: process.platform === 'win32' && 'skipped: no mkfifo' },
  async (t) => {
    const { directory } = await saved(t);
    rmSync(path.join(directory, 'head.onnx'));
    execFileSync('mkfifo', [path.join(directory, 'head.onnx')]);
    t.match(await messageOf(loadTower(directory)), /head\.onnx is no file/);
  },
);

void t.test('no manifest reaches outside its directory', async (t) => {
  const { directory, edit } = await saved(t);
  writeFileSync(path.join(directory, '..', 'outside.onnx'), encoder);
  for (const name of ['../outside.onnx', '/etc/passwd', '..', '.', '', 'a/b.onnx', 'a\\b.onnx', 'C:x', '\0', 7]) {
    edit(
      (value) => (value['files'] = { ...(value['files'] as object), encoder: { path: name, sha256: sha256(encoder) } }),
    );
    t.match(await messageOf(loadTower(directory)), /files\.encoder\.path: /, JSON.stringify(name));
  }
});

void t.test('a malformed manifest names each wrong field', async (t) => {
  const { directory, edit } = await saved(t);
  edit((value) => {
    value['modality'] = 'smell';
    value['classes'] = ['wave', 'wave'];
    value['colour'] = 'blue';
    delete value['seed'];
  });
  const message = await messageOf(loadTower(directory));
  for (const part of [/manifest\.json/, /modality: /, /classes: names a class twice/, /colour/, /seed: /, /pretrain/])
    t.match(message, part);

  writeFileSync(path.join(directory, 'manifest.json'), '{"formatVersion": 1,');
  t.match(await messageOf(loadTower(directory)), /manifest\.json is no JSON/);
  writeFileSync(path.join(directory, 'manifest.json'), Buffer.alloc((1 << 20) + 1, 0x20));
  t.match(await messageOf(loadTower(directory)), /more than the 1048576 allowed/);
});

void t.test('the temperature is 1 where none is given', (t) => {
  const { temperature, ...rest } = manifest();
  t.equal(temperature, 1);
  const files = { path: 'a.onnx', sha256: '0'.repeat(64) };
  t.equal(manifestSchema.parse({ ...rest, files: { encoder: files, head: files } }).temperature, 1);
  t.end();
});

void t.test('any JSON and any text gives a manifest or a ModelError', (t) => {
  const attempt = (json: string) => {
    try {
      parseManifest(json, 'm');
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
    }
  };
  fc.assert(fc.property(fc.json(), attempt));
  fc.assert(fc.property(fc.string(), attempt));
  const valid = { ...manifest(), files: {} };
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(valid)), fc.jsonValue(), (key, value) => {
      attempt(JSON.stringify({ ...valid, [key]: value }));
    }),
  );
  t.end();
});

void t.test('the shipped towers lie beside package.json, from compiled code too', (t) => {
  const directory = shippedTowerDirectory('imu');
  t.ok(existsSync(path.join(directory, '..', '..', '..', '..', 'package.json')));
  t.match(directory.split(path.sep).slice(-4), ['models', 'pretrained', 'encoders', 'imu']);
  t.end();
});
