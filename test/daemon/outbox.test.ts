import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { openOutbox } from '../../daemon/outbox.js';
import { keepingLog, levels, silentLog } from './helpers/log.js';

void t.test('appends, acknowledges and reopens like a list of numbered texts', async (t) => {
  const folder = t.testdir();
  let run = 0;
  const operation = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ kind: fc.constant('append' as const), text: fc.string({ unit: 'grapheme' }) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('acknowledge' as const), count: fc.nat({ max: 7 }) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('peek' as const), limit: fc.integer({ min: 1, max: 8 }) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('reopen' as const) }) },
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(operation, { maxLength: 30 }),
      fc.integer({ min: 1, max: 6 }),
      async (operations, bound) => {
        const directory = join(folder, String(run++));
        let outbox = await openOutbox({ directory, bound, log: silentLog });
        let model: { sequence: number; text: string }[] = [];
        let next = 1;
        let dropped = 0;
        for (const step of operations) {
          switch (step.kind) {
            case 'append': {
              t.same(await outbox.append(step.text), { sequence: next });
              model.push({ sequence: next++, text: step.text });
              if (model.length > bound) {
                model.shift();
                dropped++;
              }
              break;
            }
            case 'acknowledge': {
              const upTo = model[Math.min(step.count, model.length) - 1]?.sequence ?? 0;
              await outbox.acknowledge(upTo);
              model = model.filter(({ sequence }) => sequence > upTo);
              break;
            }
            case 'peek':
              t.same(await outbox.peek(step.limit), model.slice(0, step.limit));
              break;
            case 'reopen':
              await outbox.close();
              outbox = await openOutbox({ directory, bound, log: silentLog });
              dropped = 0;
          }
          t.equal(outbox.size, model.length);
          t.equal(outbox.dropped, dropped);
        }
        t.same(await outbox.peek(100), model);
        await outbox.close();
      },
    ),
    { numRuns: 40 },
  );
});

void t.test('numbers what is appended at once in the order of the calls', async (t) => {
  const outbox = await openOutbox({ directory: join(t.testdir(), 'outbox'), log: silentLog });
  const appended = await Promise.all(Array.from({ length: 20 }, (_, i) => outbox.append(String(i))));
  t.same(
    appended.map(({ sequence }) => sequence),
    Array.from({ length: 20 }, (_, i) => i + 1),
  );
  t.same(
    (await outbox.peek(100)).map(({ text }) => text),
    Array.from({ length: 20 }, (_, i) => String(i)),
  );
  await outbox.close();
});

void t.test('drops the oldest after a restart with a smaller bound', async (t) => {
  const directory = join(t.testdir(), 'outbox');
  const large = await openOutbox({ directory, log: silentLog });
  for (let i = 1; i <= 8; i++) await large.append(String(i));
  await large.close();
  const small = await openOutbox({ directory, bound: 3, log: silentLog });
  await small.append('9');
  t.same(
    (await small.peek(100)).map(({ text }) => text),
    ['7', '8', '9'],
  );
  t.equal(small.dropped, 6);
  await small.close();
});

void t.test('moves a damaged store aside, says so, and goes on with larger numbers', async (t) => {
  for (const [what, spoil] of [
    ['MANIFEST', (name: string) => name.startsWith('MANIFEST')],
    ['CURRENT', (name: string) => name === 'CURRENT'],
  ] as const) {
    const directory = join(t.testdir(), 'outbox');
    const outbox = await openOutbox({ directory, log: silentLog });
    await outbox.append('lost');
    await outbox.close();
    for (const name of await readdir(directory))
      if (spoil(name)) await writeFile(join(directory, name), 'this is no LevelDB');
    const { log, lines } = keepingLog();
    const fresh = await openOutbox({ directory, log, now: () => 1_700_000_000_000 });
    t.equal(lines.length, 1, what);
    t.match(lines[0], { level: levels.error, movedTo: `${directory}.damaged`, msg: /moved aside/ });
    t.same(await fresh.append('kept'), { sequence: 1_700_000_000_000 });
    t.same(await fresh.peek(9), [{ sequence: 1_700_000_000_000, text: 'kept' }]);
    await fresh.close();
    t.ok((await readdir(`${directory}.damaged`)).length > 0, 'the damaged one is still there to look at');
  }
});

void t.test('opens whatever bytes its files hold', async (t) => {
  const folder = t.testdir();
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.nat(),
      fc.uint8Array({ minLength: 1, maxLength: 40 }),
      fc.nat(),
      async (which, bytes, where) => {
        const directory = join(folder, String(run++));
        const outbox = await openOutbox({ directory, log: silentLog });
        for (let i = 0; i < 5; i++) await outbox.append('x'.repeat(100));
        await outbox.close();
        const names = (await readdir(directory)).sort();
        const path = join(directory, names[which % names.length]!);
        const content = await readFile(path);
        content.set(
          bytes.subarray(0, Math.max(0, content.length - (where % (content.length + 1)))),
          where % (content.length + 1),
        );
        await writeFile(path, content);
        const again = await openOutbox({ directory, log: silentLog });
        const { sequence, failure } = await again.append('after');
        t.equal(failure, undefined);
        t.same((await again.peek(100)).at(-1), { sequence, text: 'after' });
        await again.close();
      },
    ),
    { numRuns: 40 },
  );
});

void t.test('refuses a store that is in use, and a place where it may not write, with what to do', async (t) => {
  const folder = t.testdir({ file: '' });
  const directory = join(folder, 'outbox');
  const outbox = await openOutbox({ directory, log: silentLog });
  await t.rejects(openOutbox({ directory, log: silentLog }), { message: /in use by another process.*stop that one/ });
  t.same(await outbox.append('still mine'), { sequence: 1 });
  await outbox.close();

  await mkdir(join(folder, 'sub'));
  await t.rejects(openOutbox({ directory: join(folder, 'file', 'outbox'), log: silentLog }), {
    message: /cannot be written.*choose another state directory/,
  });
});

void t.test('tells what could not be stored, and gives no number twice', async (t) => {
  const outbox = await openOutbox({ directory: join(t.testdir(), 'outbox'), log: silentLog });
  await outbox.append('one');
  await outbox.close();
  const { sequence, failure } = await outbox.append('two');
  t.equal(sequence, 2);
  t.type(failure, Error);
});
