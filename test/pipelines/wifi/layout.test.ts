import t from 'tap';
import { usedSubcarriers, subcarrierRange } from '../../../drivers/wifi/ieee80211.js';
import { hasLayout, layoutOf } from '../../../pipelines/wifi/layout.js';
import { wifiFrame } from './frames.js';

const heard = (subcarriers: Int16Array, silent: (k: number) => boolean = () => false) =>
  Float32Array.from({ length: 2 * subcarriers.length }, (_, i) => (silent(subcarriers[i >> 1]!) ? 0 : 30));

/** Data subcarriers of a full-width packet: IEEE 802.11-2020, tables 17-5, 19-6, 21-5; 802.11ax-2021, table 27-5. */
const dataSubcarriers = [
  { format: 'ht', width: 20, count: 52 },
  { format: 'ht', width: 40, count: 108 },
  { format: 'vht', width: 80, count: 234 },
  { format: 'vht', width: 160, count: 468 },
  { format: 'he', width: 20, count: 234 },
  { format: 'he', width: 40, count: 468 },
  { format: 'he', width: 80, count: 980 },
  { format: 'he', width: 160, count: 1960 },
] as const;

void t.test('as many data subcarriers are left as the standard says', (t) => {
  for (const { format, width, count } of dataSubcarriers) {
    for (const subcarriers of [usedSubcarriers(format, width)!, subcarrierRange(-1024, 1023)]) {
      // Nulls and guards that hold numbers are left out all the same; a wider field than the width has is cut to it.
      const field = subcarriers.length === 2048 ? wholeField(format, width) : subcarriers;
      const layout = layoutOf(wifiFrame({ subcarriers: field, bandwidth: width * 1e6, csi: heard(field) }))!;
      t.equal(layout.kept.length, count, `${format} ${width} MHz`);
      t.strictSame(
        layout.numbers,
        Int16Array.from(layout.kept, (at) => field[at]!),
      );
    }
  }
  t.end();
});

function wholeField(format: string, width: number): Int16Array {
  const half = (width / 2) * (format === 'he' ? 12.8 : 3.2);
  return subcarrierRange(-half, half - 1);
}

void t.test("a legacy field among HT's numbers has 48 data subcarriers, and is another layout", (t) => {
  const subcarriers = subcarrierRange(-32, 31);
  const highThroughput = wifiFrame({ subcarriers, csi: heard(subcarriers, (k) => k === 0 || Math.abs(k) > 28) });
  const legacy = wifiFrame({ subcarriers, csi: heard(subcarriers, (k) => k === 0 || Math.abs(k) > 26) });
  const layouts = [layoutOf(highThroughput)!, layoutOf(legacy)!] as const;
  t.strictSame(
    layouts.map(({ kept }) => kept.length),
    [52, 48],
  );
  for (const layout of layouts) {
    t.equal(hasLayout(highThroughput, layout), layout === layouts[0]);
    t.equal(hasLayout(legacy, layout), layout === layouts[1]);
  }
  t.end();
});

void t.test('what the device gives as 0 on all antennas is left out; on one of them it stays', (t) => {
  const subcarriers = subcarrierRange(-32, 31);
  const one = heard(subcarriers, (k) => k === 5 || k === 9);
  const other = heard(subcarriers, (k) => k === 5);
  const csi = new Float32Array([...one, ...other]);
  const layout = layoutOf(wifiFrame({ subcarriers, receivers: 2, csi }))!;
  t.notOk(layout.numbers.includes(5));
  t.ok(layout.numbers.includes(9));
  t.equal(layout.channels, 2 * 51);
  t.end();
});

void t.test('arrays that do not fit together, and too few subcarriers, have no layout', (t) => {
  const subcarriers = subcarrierRange(-32, 31);
  const csi = heard(subcarriers);
  t.equal(layoutOf(wifiFrame({ subcarriers, csi: csi.subarray(2) })), undefined);
  t.equal(layoutOf(wifiFrame({ subcarriers, csi, receivers: 0 })), undefined);
  t.equal(layoutOf(wifiFrame({ subcarriers, csi: new Float32Array(csi.length) })), undefined);
  const few = Int16Array.of(-1, 0, 7, 21, 3);
  t.equal(layoutOf(wifiFrame({ subcarriers: few, csi: heard(few) })), undefined);
  t.end();
});

void t.test('another number of antennas or subcarriers, others of them, or another width is another layout', (t) => {
  const subcarriers = subcarrierRange(-32, 31);
  const frame = wifiFrame({ subcarriers, csi: heard(subcarriers) });
  const layout = layoutOf(frame)!;
  t.ok(hasLayout(frame, layout));
  const csi2 = new Float32Array([...frame.csi, ...frame.csi]);
  t.notOk(hasLayout({ ...frame, receivers: 2, csi: csi2 }, layout));
  t.notOk(hasLayout({ ...frame, transmitters: 2, csi: csi2 }, layout));
  t.notOk(hasLayout({ ...frame, bandwidth: 40e6 }, layout));
  t.notOk(hasLayout({ ...frame, subcarriers: subcarrierRange(-31, 32) }, layout));
  t.notOk(hasLayout({ ...frame, subcarriers: subcarrierRange(-32, 30), csi: frame.csi.subarray(2) }, layout));
  t.end();
});
