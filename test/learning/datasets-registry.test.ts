import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import t from 'tap';
import { modalities } from '../../drivers/frames.js';
import { DatasetError } from '../../learning/datasets/dataset.js';
import { compareNames } from '../../learning/datasets/files.js';
import { readNumberTable } from '../../learning/datasets/number-table.js';
import { datasetFolder, datasets } from '../../learning/datasets/registry.js';
import type { DatasetName } from '../../learning/datasets/registry.js';
import { folderWith } from './datasets-folder.js';

const data = process.env['SENSING_DATA'] ?? '';
const names = Object.keys(datasets) as DatasetName[];

void t.test('each data set says what it is, and its loader where it is not', async (t) => {
  const empty = await folderWith(t, {});
  const page = await readFile('docs/datasets.md', 'utf8');
  for (const name of names) {
    const { modalities: kinds, load, terms, title } = datasets[name];
    t.ok(kinds.length > 0 && kinds.every((kind) => modalities.includes(kind)) && terms && title, name);
    t.ok(page.includes(`| \`${name}\` `), `docs/datasets.md has ${name}`);
    if (!load) continue;
    const error: unknown = await load(empty).catch((error: unknown) => error);
    t.ok(error instanceof DatasetError, name);
    t.match((error as Error).message, /: no [^\n]*The folder must hold [^\n]*$/, name);
  }
  t.equal(await datasetFolder(empty, 'mars'), empty);
});

// The others have tests of their own.
void t.test('what is here loads', { skip: data ? false : 'skipped: no recordings' }, async (t) => {
  for (const name of ['utd-mhad', 'wiar', 'esp32-motion'] as const) {
    const folder = await datasetFolder(data, name);
    if (folder === data) continue;
    const { recordings, unreadable } = await datasets[name].load!(folder);
    t.ok(recordings.length > 0, `${name}: ${recordings.length} recordings`);
    t.strictSame(unreadable, [], name);
  }
});

void t.test('names in the order of their numbers', (t) => {
  const inOrder = ['a', 'a2', 'a2b', 'a10', 'a10/1', 'a10/03', 'b1'];
  t.strictSame([...inOrder].reverse().sort(compareNames), inOrder);
  t.equal(compareNames('x', 'x'), 0);
  t.end();
});

void t.test('tables of numbers', (t) => {
  const read = (text: string, ...rest: [names: readonly string[] | number, separator?: string | RegExp]) =>
    readNumberTable(Buffer.from(text), ...rest);
  t.strictSame(read('"b",a\r\n1,2\r\n3,\n4,x\n5\nInfinity,1\n\n6,7', ['a', 'b']), {
    rows: 2,
    columns: [Float64Array.of(2, 7), Float64Array.of(1, 6)],
    dropped: 4,
  });
  t.strictSame(read('  1 2\t3 \n 4  5 6\n', 3, /\s+/).columns[2], Float64Array.of(3, 6));
  const many = Array.from({ length: 3000 }, (_, i) => `${i}\n`).join('');
  t.equal(read(many, 1).columns[0]![2999], 2999, 'it grows');
  t.throws(() => read('a,b\n1,2\n', ['c', 'a']), { message: 'it has no column c' });
  t.throws(() => read('a\n', ['a']), { message: 'it has no row of 1 numbers' });
  t.throws(() => read('', ['a']), { message: 'it has no column a' });
  t.end();
});

void t.test('hostile text: finite numbers, or an error that says what it is', (t) => {
  const field = fc.oneof(fc.constantFrom('', 'nan', '1e999', '-0', '0x10', ' 7 ', '"1"', '\u0000'), fc.double().map(String), fc.string({ maxLength: 4 })); // prettier-ignore
  const text = fc.array(fc.array(field, { maxLength: 4 }), { maxLength: 8 }).map((rows) => rows.map((row) => row.join(',')).join('\n')); // prettier-ignore
  const seen = { read: 0, refused: 0 };
  fc.assert(
    fc.property(fc.oneof(text.map((rows) => `a,b\n${rows}`), text), (rows) => {
      try {
        const { rows: count, columns } = readNumberTable(Buffer.from(rows), ['b', 'a']);
        seen.read++;
        return columns.every((column) => column.length === count && column.every(Number.isFinite));
      } catch (error) {
        seen.refused++;
        return error instanceof Error && /^it [^\n]{1,200}$/.test(error.message);
      }
    }),
    { numRuns: 2000, seed: 1 },
  ); // prettier-ignore
  t.ok(seen.read > 100 && seen.refused > 100, `${seen.read} read, ${seen.refused} refused`);
  t.end();
});
