/** What a trunk's folder remembers: written, read again, damaged. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { decodeMemory, encodeMemory } from '../../daemon/learning/memory-file.js';
import { loadTrunkFolder, saveTrunkFolder } from '../../daemon/learning/trunk-folder.js';
import type { TrunkFolder } from '../../daemon/learning/trunk-folder.js';
import { align } from '../../learning/align.js';
import { rememberSets } from '../../learning/memory.js';
import type { Memory } from '../../learning/memory.js';
import { generated } from '../learning/generated-recordings.js';
import { model, tower } from '../models/towers.js';

const folder = await mkdtemp(join(tmpdir(), 'memory-'));
t.teardown(() => rm(folder, { recursive: true }));
const at = (...parts: string[]) => join(folder, ...parts);

const sets = [{ count: 40, outputs: generated(40, { wrist: 6, strap: 4 }).outputs }];
const { trunk, curves } = await align(sets, { seed: 1, threads: 1, epochs: 1, width: 8, hidden: 8 });
const memory = rememberSets(new Map(), sets, { seed: 1, rows: 10 });
const encoder = (name: string, width: number) => {
  const head = model([width], (g, x) => g.slice(x, 1, 0, 2));
  const graph = model([152, 6], (g, x) => g.slice(g.reduceMean(x, [1]), 1, 0, width));
  return tower({ name, embedding: { width, space: 'own' } }, { encoder: graph, head });
};
const whole: TrunkFolder = {
  ...{ trunk, curves, memory, head: undefined, towers: new Map() },
  encoders: new Map([
    ['wrist', encoder('wrist', 6)],
    ['strap', encoder('strap', 4)],
  ]),
  about: { pairs: [], seed: 1, gatewayVersion: '0' },
};
const plain = (all: Memory) => [...all].map(([name, parts]) => [name, parts.map((part) => [...part])]);

void t.test('what is remembered is found again; without any, no file lies there', async (t) => {
  await saveTrunkFolder(at('trunk'), whole);
  t.same(plain((await loadTrunkFolder(at('trunk'))).memory), plain(memory));
  t.ok((await readFile(at('trunk', 'memory.babel'))).length < 2_000, 'ten rows of each');
  await saveTrunkFolder(at('trunk'), { ...whole, memory: new Map() });
  t.notOk(existsSync(at('trunk', 'memory.babel')));
  t.equal((await loadTrunkFolder(at('trunk'))).memory.size, 0, 'nor does a folder of before need any');
});

void t.test('the head that all share is found again, and refused if it was changed', async (t) => {
  const head = {
    file: model([8], (g, x) => g.slice(x, 1, 0, 2)),
    classes: ['wave', 'clap'],
    temperatures: new Map([['wrist', 1.5]]),
  };
  await saveTrunkFolder(at('headed'), { ...whole, head });
  const found = (await loadTrunkFolder(at('headed'))).head!;
  t.strictSame({ ...found, file: Buffer.from(found.file) }, { ...head, file: Buffer.from(head.file) });
  await writeFile(at('headed', 'head.onnx'), 'another');
  await t.rejects(loadTrunkFolder(at('headed')), /head\.onnx was changed or cut off/);
  await saveTrunkFolder(at('headed'), whole);
  t.notOk(existsSync(at('headed', 'head.onnx')));
});

void t.test('a memory that was changed, cut off or taken away is refused', async (t) => {
  await saveTrunkFolder(at('damaged'), whole);
  const file = at('damaged', 'memory.babel');
  const bytes = await readFile(file);
  const changed = Buffer.from(bytes);
  changed[changed.length - 1]! ^= 1;
  for (const other of [changed, bytes.subarray(0, -3), Buffer.alloc(0)]) {
    await writeFile(file, other);
    await t.rejects(loadTrunkFolder(at('damaged')), /memory\.babel was changed or cut off/);
  }
  await rm(file);
  await t.rejects(loadTrunkFolder(at('damaged')), /memory\.babel is missing/);
});

void t.test('bytes that are no memory of this trunk are refused, whatever their checksum', (t) => {
  const bytes = encodeMemory(memory, trunk);
  t.same(plain(decodeMemory(bytes, trunk)), plain(memory));
  const text = (all: Uint8Array) => Buffer.from(all).toString('latin1');
  const altered = (from: string, to: string) => Buffer.from(text(bytes).replace(from, to), 'latin1');
  const noNumber = bytes.slice();
  noNumber.fill(0xff, -4);
  const wrong: [Uint8Array, RegExp][] = [
    [bytes.subarray(0, 5), /no file of a trunk's memory/],
    [Buffer.from('babel-memory 1\n{'), /no file/],
    [bytes.subarray(0, -4), /cut off/],
    [Buffer.concat([bytes, Buffer.alloc(4)]), /something was added/],
    [altered('"inputs":6', '"inputs":3').subarray(0, -10 * 3 * 4), /6 wide|3 wide/],
    [altered('"wrist"', '"waist"'), /remembers waist/],
    [altered('"parts":[10]', '"parts":[-1]'), /parts/],
    [altered('"parts":[10]', '"parts":[1e9]'), /parts/],
    [noNumber, /no number/],
  ];
  for (const [given, message] of wrong) t.throws(() => decodeMemory(given, trunk), message);
  t.end();
});
