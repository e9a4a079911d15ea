import t from 'tap';
import { feitcsi } from '../../../drivers/wifi/feitcsi.js';
import { choppingChangesNothing, damageStaysLocal, randomBytesDoNoHarm } from '../properties.js';
import { recording, skip } from './recordings.js';

const defaults = feitcsi.settings.parse({});
const join = (...parts: Uint8Array[]) => Uint8Array.from(Buffer.concat(parts));
const noFailures = { badHeader: 0, unknownLayout: 0 };

function decode(stream: Uint8Array) {
  const decoder = feitcsi.decoder(defaults);
  return { frames: decoder.push(stream, 1), counters: decoder.counters };
}

interface Record {
  receivers?: number;
  streams?: number;
  format?: number;
  width?: number;
  clock?: number;
}

/** A record by the maker's page 'CSI format'; values count up from 1. */
function record(count: number, { receivers = 2, streams = 1, format = 2, width = 0, clock = 1000 }: Record = {}) {
  const values = receivers * streams * count;
  const bytes = new Uint8Array(272 + 4 * values);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 4 * values, true);
  bytes.set([receivers, streams], 46);
  view.setUint32(52, count, true);
  view.setUint32(60, 41, true);
  view.setUint32(64, 39, true);
  bytes.set([0x00, 0x16, 0xea, 0x12, 0x34, 0x56], 68);
  view.setUint32(88, clock, true);
  view.setUint32(92, (format << 8) | (width << 11) | (3 << 14) | 7, true);
  for (let i = 0; i < values; i++) {
    view.setInt16(272 + 4 * i, i + 1, true);
    view.setInt16(274 + 4 * i, -(i + 1), true);
  }
  return bytes;
}

// Pilots of each format, IEEE 802.11-2020 17.3.5.9, 19.3.11.10, 21.3.10.10 and 802.11ax-2021 27.3.12.13 (upper half; the
// lower is its mirror image), and where FeitCSI's own src/Csi.h has them among its values.
const formats = [
  { name: 'legacy 20', format: 1, width: 0, count: 52, places: [5, 19, 32, 46], pilots: [7, 21] },
  { name: 'HT 20', format: 2, width: 0, count: 56, places: [7, 21, 34, 48], pilots: [7, 21] },
  { name: 'HT 40', format: 2, width: 1, count: 114, places: [5, 33, 47, 66, 80, 108], pilots: [11, 25, 53] },
  { name: 'VHT 20', format: 3, width: 0, count: 56, places: [7, 21, 34, 48], pilots: [7, 21] },
  { name: 'VHT 40', format: 3, width: 1, count: 114, places: [5, 33, 47, 66, 80, 108], pilots: [11, 25, 53] },
  { name: 'VHT 80', format: 3, width: 2, count: 242, places: [19, 47, 83, 111, 130, 158, 194, 222], pilots: [11, 39, 75, 103] },
  { name: 'VHT 160', format: 3, width: 3, count: 484, places: [19, 47, 83, 111, 130, 158, 194, 222, 261, 289, 325, 353, 372, 400, 436, 464], pilots: [25, 53, 89, 117, 139, 167, 203, 231] },
  { name: 'HE 20', format: 4, width: 0, count: 242, places: [6, 32, 74, 100, 141, 167, 209, 235], pilots: [22, 48, 90, 116] },
  { name: 'HE 40', format: 4, width: 1, count: 484, places: [6, 32, 74, 100, 140, 166, 208, 234, 249, 275, 317, 343, 383, 409, 451, 477], pilots: [10, 36, 78, 104, 144, 170, 212, 238] },
  { name: 'HE 80', format: 4, width: 2, count: 996, places: [32, 100, 166, 234, 274, 342, 408, 476, 519, 587, 653, 721, 761, 829, 895, 963], pilots: [24, 92, 158, 226, 266, 334, 400, 468] },
  { name: 'HE 160', format: 4, width: 3, count: 1992, places: [32, 100, 166, 234, 274, 342, 408, 476, 519, 587, 653, 721, 761, 829, 895, 963, 1028, 1096, 1162, 1230, 1270, 1338, 1404, 1472, 1515, 1583, 1649, 1717, 1757, 1825, 1891, 1959], pilots: [44, 112, 178, 246, 286, 354, 420, 488, 536, 604, 670, 738, 778, 846, 912, 980] },
]; // prettier-ignore
const mirrored = (pilots: number[]) => [...pilots.map((k) => -k).reverse(), ...pilots];

void t.test('subcarriers of every format: the pilots lie where the standard has them', (t) => {
  for (const { name, format, width, count, places, pilots } of formats) {
    const { frames } = decode(record(count, { format, width }));
    t.equal(frames.length, 1, name);
    const { subcarriers, bandwidth } = frames[0]!;
    t.strictSame(places.map((place) => subcarriers[place]!), mirrored(pilots), name); // prettier-ignore
    t.ok(subcarriers.every((k, i) => i === 0 || k > subcarriers[i - 1]!), `${name} ascend`); // prettier-ignore
    t.strictSame([...subcarriers], [...subcarriers].map((k) => -k).reverse(), `${name}: symmetric`); // prettier-ignore
    t.equal(bandwidth, 20e6 * 2 ** width);
  }
  t.end();
});

void t.test('fields', (t) => {
  const { frames, counters } = decode(record(242, { receivers: 2, streams: 2, format: 4, clock: 2_774_272 }));
  const frame = frames[0]!;
  t.strictSame(counters, { frames: 1, bytes: 272 + 4 * 4 * 242, skippedBytes: 0, failures: noFailures });
  t.strictSame([frame.receivers, frame.transmitters], [2, 2]);
  // [receivers, transmitters, subcarriers]: the first value of receiver 1, stream 0 is the 485th.
  t.strictSame([...frame.csi.subarray(2 * 2 * 242, 2 * 2 * 242 + 2)], [485, -485]);
  t.strictSame([...frame.rssi!], [-41, -39]);
  t.equal(frame.source, '00:16:ea:12:34:56');
  t.equal(frame.deviceTime, 2.774272);
  t.equal(frame.scale, 'raw');
  t.strictSame([...decode(record(56, { receivers: 1 })).frames[0]!.rssi!], [-41]);
  t.end();
});

void t.test('the clock wraps', (t) => {
  const { frames } = decode(join(record(56, { clock: 2 ** 32 - 100 }), record(56, { clock: 900 })));
  t.equal(Math.round((frames[1]!.deviceTime! - frames[0]!.deviceTime!) * 1e6), 1000);
  t.end();
});

void t.test('records that cannot be are counted, and the next one is found', (t) => {
  const good = record(56);
  const wrongSize = record(56);
  wrongSize[0]! ^= 4;
  const odd = record(57);
  for (const [bad, name] of [[wrongSize, 'badHeader'], [odd, 'unknownLayout'], [record(242, { format: 5 }), 'unknownLayout']] as const) {
    const { frames, counters } = decode(join(good, bad, good));
    t.equal(frames.length, 2);
    t.strictSame(counters.failures, { ...noFailures, [name]: 1 });
    t.equal(counters.skippedBytes, bad.length);
    t.notOk(feitcsi.recognises!(bad));
  }
  t.ok(feitcsi.recognises!(good));
  t.end();
}); // prettier-ignore

void t.test('properties of every decoder', (t) => {
  const records = Array.from({ length: 6 }, (_, i) => record(i % 2 === 0 ? 56 : 52, { format: i % 2 === 0 ? 2 : 1, clock: 2e9 + 1000 * i })); // prettier-ignore
  const make = () => feitcsi.decoder(defaults);
  choppingChangesNothing(make, join(...records, Uint8Array.of(1, 2, 3), ...records, records[0]!.subarray(0, 400)));
  damageStaysLocal(make, records.map((one) => [one]), 'stream'); // prettier-ignore
  randomBytesDoNoHarm(make, records);
  t.pass();
  t.end();
});

// Frames, Σ |csi|², first and last value of the first receiver, seconds by the fine time measurement's clock: CSIKit d2705ab,
// FeitCSIBeamformReader with interpolate=False.
const captures = [
  { file: 'HT20_2452.csi', format: 'HT 20', frames: 48, power: 125961957, first: [99, -70], last: [14, 108], seconds: 2.34502825 },
  { file: 'VHT80_5500.csi', format: 'VHT 80', frames: 40, power: 531865215, first: [-74, 91], last: [61, 38], seconds: 2.09511055 },
  { file: 'HESU20_5500.csi', format: 'HE 20', frames: 28, power: 319058968, first: [69, 2], last: [-25, 26], seconds: 2.01712665 },
  { file: 'HESU160_5500.csi', format: 'HE 160', frames: 26, power: 2614813253, first: [-45, -88], last: [-2, 54], seconds: 1.88321365 },
]; // prettier-ignore

void t.test('captures', { skip }, (t) => {
  for (const { file, format, frames: count, power, first, last, seconds } of captures) {
    const stream = recording('captures', 'feitcsi', file);
    t.ok(feitcsi.recognises!(stream), file);
    const { frames, counters } = decode(stream);
    t.equal(frames.length, count, `${file}: frames`);
    t.equal(counters.skippedBytes, 0);
    t.strictSame(counters.failures, noFailures);
    const expected = formats.find(({ name }) => name === format)!;
    const frame = frames[0]!;
    const n = expected.count;
    t.strictSame([frame.receivers, frame.transmitters, frame.subcarriers.length], [2, 1, n]);
    t.strictSame([...frame.csi.subarray(0, 2)], first);
    t.strictSame([...frame.csi.subarray(2 * n - 2, 2 * n)], last);
    const spectrum = new Float64Array(n);
    let sum = 0;
    for (const { csi } of frames)
      for (let i = 0; i < 4 * n; i++) {
        spectrum[(i >> 1) % n]! += csi[i]! ** 2;
        sum += csi[i]! ** 2;
      }
    t.equal(sum, power);
    // The two clocks of the card agree within 200 ppm and a step.
    const took = frames.at(-1)!.deviceTime! - frame.deviceTime!;
    t.ok(Math.abs(took - seconds) < 2e-4 * seconds + 1e-5, `${file}: ${took} s`);
    // The maker: the pilots' values are far too low. So where the values are far below their neighbours', the pilots are.
    const low = [...frame.subcarriers].filter(
      (_, i) => i > 1 && i < n - 2 && spectrum[i]! < 0.3 * Math.min(spectrum[i - 1]!, spectrum[i + 1]!),
    );
    t.strictSame(low.filter((k) => expected.pilots.includes(Math.abs(k))).length, 2 * expected.pilots.length, `${file}: pilots`); // prettier-ignore
    t.equal(low.length, 2 * expected.pilots.length, `${file}: ${low.join()}`);
  }
  t.end();
});
