import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { oneByOne } from '../../daemon/one-by-one.js';

void t.test('each call waits for the one before, also for one that fails', async (t) => {
  const told: string[] = [];
  const act = oneByOne(async (name: string, milliseconds: number) => {
    told.push(`${name} begins`);
    await sleep(milliseconds);
    told.push(`${name} ends`);
    if (name === 'first') throw new Error('first failed');
    return name;
  });
  const calls = [act('first', 20), act('second', 5), act('third', 0)] as const;
  await t.rejects(calls[0], { message: 'first failed' });
  t.equal(await calls[1], 'second');
  t.equal(await calls[2], 'third');
  t.same(
    told,
    ['first', 'second', 'third'].flatMap((name) => [`${name} begins`, `${name} ends`]),
  );
});
