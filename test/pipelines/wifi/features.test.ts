import t from 'tap';
import type { Driver } from '../../../drivers/driver.js';
import type { WifiFrame } from '../../../drivers/frames.js';
import { captureReader } from '../../../drivers/transports/pcap-file.js';
import { esp32Csi } from '../../../drivers/wifi/esp32-csi.js';
import { feitcsi } from '../../../drivers/wifi/feitcsi.js';
import { intel5300 } from '../../../drivers/wifi/intel-5300.js';
import { nexmonCsi } from '../../../drivers/wifi/nexmon-csi.js';
import { picoscenes } from '../../../drivers/wifi/picoscenes.js';
import { createRandom } from '../../../learning/random.js';
import { createWifiFeatures } from '../../../pipelines/wifi/amplitude-features.js';
import { createHampel } from '../../../pipelines/wifi/hampel.js';
import { averageCells, subcarrierCells } from '../../../pipelines/wifi/subcarrier-cells.js';
import { recording, skip } from '../../drivers/wifi/recordings.js';
import { goldenVectors, near } from '../golden/vectors.js';
import { roomFrame, wifiFrame } from './frames.js';

const golden = goldenVectors('features.json');
const packets = goldenVectors('wifi.json');
const numbers = Int16Array.from(packets('numbers'));

void t.test('cells of the band, beside NumPy', (t) => {
  const first = Float32Array.from(packets('normalised')).subarray(0, 2 * numbers.length);
  for (const [cells, name, rows] of [[5, 'fiveCells', 2]] as const) {
    const out = new Float32Array(rows * cells);
    for (let row = 0; row < rows; row++)
      averageCells(subcarrierCells(numbers, cells), first, row * numbers.length, out, row * cells);
    near(t, out, golden(name), name);
  }
  t.end();
});

void t.test('a straight line stays one, whatever the subcarriers', (t) => {
  for (const numbers of [Int16Array.of(-28, -26, -1, 1, 28), Int16Array.from({ length: 245 }, (_, i) => i - 122)]) {
    const cells = subcarrierCells(numbers, 30);
    const out = new Float32Array(30);
    averageCells(cells, Float32Array.from(numbers), 0, out, 0);
    const [low, high] = [numbers[0]!, numbers.at(-1)!];
    out.forEach((value, i) => {
      const expected = low + ((i + 0.5) * (high - low)) / 30;
      if (Math.abs(value - expected) > 1e-4) t.fail(`${value} for ${expected}`);
    });
  }
  t.end();
});

void t.test('a filter that looks back only, beside NumPy', (t) => {
  const input = packets('hampelInput');
  const hampel = createHampel(3, 3, 3, 0);
  const found = new Float32Array(input.length);
  for (let n = 0; n < input.length; n += 3) {
    t.ok(hampel.push(Float32Array.from(input.subarray(n, n + 3)), found.subarray(n, n + 3)));
  }
  near(t, found, golden('hampelAtOnce'), 'every packet at once');
  t.end();
});

void t.test('packets of two receivers on three links, beside NumPy', (t) => {
  const csi = packets('csi');
  const size = 2 * 2 * numbers.length;
  const features = createWifiFeatures();
  t.strictSame(features.shape, [3, 30]);
  const found: number[] = [];
  const out = new Float32Array(90);
  for (let p = 0; p * size < csi.length; p++) {
    const frame = wifiFrame({
      arrivalTime: p,
      receivers: 2,
      subcarriers: numbers,
      csi: Float32Array.from(csi.subarray(p * size, (p + 1) * size)),
    });
    t.equal(features.take(frame, out), undefined);
    found.push(...out);
  }
  near(t, found, golden('amplitudeFeatures'), 'rows');
  t.end();
});

void t.test('links go by transmitter, then by receiver', (t) => {
  // Of receiver r and transmitter t the amplitude is 1 + r + 10 t all over the band.
  const subcarriers = Int16Array.of(-2, -1, 1, 2);
  const csi = new Float32Array(2 * 6 * 4);
  for (let r = 0; r < 2; r++) {
    for (let t = 0; t < 3; t++) for (let i = 0; i < 4; i++) csi[2 * ((r * 3 + t) * 4 + i)] = 1 + r + 10 * t;
  }
  const rms = (r: number) => Math.sqrt([0, 10, 20].reduce((sum, t) => sum + (1 + r + t) ** 2, 0) / 3);
  const out = new Float32Array(14);
  const features = createWifiFeatures({ links: 7, subcarriers: 2 });
  const frame = wifiFrame({ receivers: 2, transmitters: 3, subcarriers, csi, scale: 'absolute' });
  t.equal(features.take(frame, out), undefined);
  const expected = [[0, 0], [1, 0], [0, 1], [1, 1], [0, 2], [1, 2], [0, 0]].map(([r, t]) => (1 + r! + 10 * t!) / rms(r!)); // prettier-ignore
  near(
    t,
    out,
    Float64Array.from(expected.flatMap((value) => [value, value])),
    'and the first again where there are no more',
  );
  t.end();
});

void t.test('faults', (t) => {
  const random = createRandom(1);
  const out = new Float32Array(90).fill(7);
  const good = (i: number) => roomFrame(i / 100, random);
  const withCsi = (i: number, change: (csi: Float32Array) => void): WifiFrame => {
    const csi = good(i).csi.slice();
    change(csi);
    return { ...good(i), csi };
  };
  const spoilt: [string, WifiFrame][] = [
    ['absent', withCsi(9, (csi) => csi.fill(0))],
    ['notANumber', withCsi(9, (csi) => csi.fill(NaN, 40, 44))],
    ['clipped', withCsi(9, (csi) => csi.set([127, -127, 127], 30))],
    ['settingsChanged', roomFrame(0.09, random, { last: 26 })],
    ['absent', { ...good(9), deviceTime: NaN }],
  ];
  for (const [fault, frame] of spoilt) {
    const features = createWifiFeatures();
    for (let i = 0; i < 8; i++) t.equal(features.take(good(i), new Float32Array(90)), undefined);
    const found = features.take(frame, out);
    // Of what is silent or no number at the band's end the layout may tell first.
    if (fault === 'absent' && found === 'settingsChanged') continue;
    t.equal(found, fault);
    t.equal(features.take(good(10), new Float32Array(90)), undefined, 'and afterwards all is well');
  }
  t.ok(
    out.every((value) => value === 7),
    'nothing is written',
  );
  const features = createWifiFeatures();
  const same = good(0);
  const found = Array.from({ length: 12 }, (_, i) => features.take({ ...same, deviceTime: i }, out));
  t.strictSame(found.slice(8), new Array<string>(4).fill('constant'));
  features.reset();
  t.throws(() => createWifiFeatures({ links: 0 }), RangeError);
  t.end();
});

void t.test('a device that changes its layout goes on with the eighth packet', (t) => {
  const random = createRandom(2);
  const features = createWifiFeatures();
  const out = new Float32Array(90);
  for (let i = 0; i < 20; i++) t.equal(features.take(roomFrame(i / 100, random), out), undefined);
  const found = Array.from({ length: 10 }, (_, i) =>
    features.take(roomFrame((20 + i) / 100, random, { last: 26 }), out),
  );
  t.strictSame(found, [...new Array<string>(7).fill('settingsChanged'), undefined, undefined, undefined]);
  t.end();
});

function decoded(driver: Driver, path: string): WifiFrame[] {
  const decoder = driver.decoder(driver.settings.parse({}));
  const bytes = recording('captures', ...path.split('/'));
  const pieces = path.endsWith('.pcap')
    ? captureReader()
        .push(bytes)
        .filter(({ destinationPort }) => destinationPort === 5500)
        .map(({ payload, time }) => ({ payload, time }))
    : [{ payload: bytes, time: 0 }];
  return pieces.flatMap(({ payload, time }) => decoder.push(payload, time)) as WifiFrame[];
}

void t.test('real captures of five drivers give one shape', { skip }, (t) => {
  for (const [driver, path] of [
    [esp32Csi, 'esp32/example_100hz_pitraffic.csv'],
    [intel5300, 'intel5300/log.all_csi.6.7.6.dat'],
    [nexmonCsi, 'nexmon/example_4339.pcap'],
    [nexmonCsi, 'nexmon/example_43455c0.pcap'],
    [feitcsi, 'feitcsi/HESU160_5500.csi'],
    [picoscenes, 'picoscenes/picoscenes_ax200_example.csi'],
  ] as const) {
    const frames = decoded(driver, path);
    const features = createWifiFeatures();
    const out = new Float32Array(90);
    let used = 0;
    let power = 0;
    const faults: Record<string, number> = {};
    for (const frame of frames) {
      const fault = features.take(frame, out.fill(NaN));
      if (fault !== undefined) {
        faults[fault] = (faults[fault] ?? 0) + 1;
        continue;
      }
      used++;
      for (const value of out) power += value * value;
      if (!out.every((value) => value >= 0 && value < 20)) t.fail(`${path}: not of the order of 1`);
    }
    const rms = Math.sqrt(power / used / 90);
    t.comment(`${path}: ${used} of ${frames.length}, ${JSON.stringify(faults)}, root mean square ${rms.toFixed(2)}`);
    t.ok(used > frames.length / 2, `${path}: ${used} of ${frames.length} packets, ${JSON.stringify(faults)}`);
    t.ok(rms > 0.6 && rms < 1.2, `${path}: root mean square ${rms}`);
  }
  t.end();
});
