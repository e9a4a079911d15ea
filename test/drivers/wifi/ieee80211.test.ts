import t from 'tap';
import { channelFrequency, macAddress, unwrapper, usedSubcarriers } from '../../../drivers/wifi/ieee80211.js';

void t.test('channels', (t) => {
  // IEEE 802.11-2020, 15.4.4.3 and annex E.
  for (const [channel, megahertz] of [[1, 2412], [6, 2437], [13, 2472], [14, 2484], [36, 5180], [165, 5825]] as const)
    t.equal(channelFrequency(channel), megahertz * 1e6);
  t.equal(channelFrequency(0), undefined);
  t.equal(channelFrequency(20), undefined);
  t.equal(channelFrequency(NaN), undefined);
  t.equal(macAddress(Uint8Array.of(9, 0, 0x1a, 0xff, 3, 4, 5), 1), '00:1a:ff:03:04:05');
  t.end();
}); // prettier-ignore

void t.test('numbers of subcarriers', (t) => {
  // IEEE 802.11-2020, tables 17-5, 19-6, 21-5 (data and pilots); 802.11ax-2021, table 27-15.
  const counts = { legacy: [52], ht: [56, 114], vht: [56, 114, 242, 484], he: [242, 484, 996, 1992] } as const;
  for (const format of ['legacy', 'ht', 'vht', 'he'] as const)
    counts[format].forEach((count, i) => t.equal(usedSubcarriers(format, 20 * 2 ** i)?.length, count));
  t.equal(usedSubcarriers('ht', 80), undefined);
  t.end();
});

void t.test('a counter that wraps', (t) => {
  const run = (...counts: number[]) => {
    const total = unwrapper();
    return counts.map((count) => total(count));
  };
  const top = 2 ** 32;
  t.strictSame(run(top - 2, top - 1, 0, 5), [top - 2, top - 1, top, top + 5]);
  t.strictSame(run(100, 200, 150, 300), [100, 200, 150, 300], 'overtaken');
  t.strictSame(run(100, 200, 2 ** 31 + 7, 300, 400), [100, 200, 2 ** 31 + 7, 300, 400], 'one damaged number');
  t.strictSame(run(2 ** 31 + 7, 100, 200), [2 ** 31 + 7, 100, 200], 'a damaged first number');
  t.strictSame(run(1e9, 1e9 + 1, 5, 6), [1e9, 1e9 + 1, 5, 6], 'a device that started anew');
  t.strictSame(run(10, 20, 1e9, 1e9 + 1), [10, 20, 1e9, 1e9 + 1], 'a long silence');
  t.end();
});
