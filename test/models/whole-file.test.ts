import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { writeWhole } from '../../models/whole-file.js';

void t.test('of many writers at once one wins, whole; nothing else is left', async (t) => {
  const folder = t.testdir();
  const file = join(folder, 'features');
  await Promise.all(Array.from({ length: 20 }, (_, i) => writeWhole(file, new Uint8Array(100_000).fill(i))));
  const bytes = await readFile(file);
  t.equal(bytes.length, 100_000);
  t.ok(bytes.every((value) => value === bytes[0]));
  t.strictSame(await readdir(folder), ['features']);
  await t.rejects(writeWhole(join(folder, 'none', 'features'), 'text'), { code: 'ENOENT' });
});
