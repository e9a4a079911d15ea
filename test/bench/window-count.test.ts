import { test } from 'tap';
import { countWindows } from '../../bench/window-count.js';

const hop = 0.5;
const published = (...numbers: number[]) =>
  numbers.map((number, i) => ({ start: 1_700_000_000.123 + number * hop, at: 7 + i * hop }));

void test('each window once', (t) => {
  t.strictSame(countWindows(published(4, 5, 6, 7), hop), {
    windows: 4,
    missing: 0,
    doubled: 0,
    disordered: 0,
    longestGapHops: 1,
  });
  t.end();
});

void test('windows that are left out, published twice, or late', (t) => {
  const count = (...numbers: number[]) => countWindows(published(...numbers), hop);
  t.match(count(0, 1, 4, 5), { windows: 4, missing: 2, doubled: 0 }, 'two left out');
  t.match(count(0, 1, 1, 2), { windows: 3, missing: 0, doubled: 1 }, 'at once again');
  t.match(count(0, 1, 2, 1, 1, 3), { windows: 4, missing: 0, doubled: 2, disordered: 0 }, 'again later');
  t.match(count(0, 2, 1, 3), { windows: 4, missing: 0, doubled: 0, disordered: 1 }, 'after a later one');
  t.match(count(2, 1, 0, 3), { windows: 4, missing: 0, doubled: 0, disordered: 2 }, 'before the first');
  t.match(count(0, 3, 3, 5), { windows: 3, missing: 3, doubled: 1 }, 'all of it');
  t.end();
});

void test('the longest gap is one of arrivals, whatever was left out', (t) => {
  const [a, b, c] = published(0, 1, 2);
  const late = [a!, { ...b!, at: b!.at + 0.7 }, { ...c!, at: c!.at + 0.3 }];
  t.match(countWindows(late, hop), { missing: 0, longestGapHops: 2.4 });
  t.end();
});

void test('starts are rounded to the millisecond, and the wall clock may drift', (t) => {
  const drifting = Array.from({ length: 5000 }, (_, k) => ({
    start: Math.round(1000 * (k * hop * 1.001)) / 1000,
    at: k * hop,
  }));
  t.match(countWindows(drifting, hop), { windows: 5000, missing: 0, doubled: 0 });
  t.end();
});

void test('no window, or one', (t) => {
  const nothing = { missing: 0, doubled: 0, disordered: 0, longestGapHops: 0 };
  t.strictSame(countWindows([], hop), { windows: 0, ...nothing });
  t.strictSame(countWindows(published(3), hop), { windows: 1, ...nothing });
  t.end();
});
