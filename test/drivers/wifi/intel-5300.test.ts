import t from 'tap';
import { intel5300 } from '../../../drivers/wifi/intel-5300.js';
import { choppingChangesNothing, damageStaysLocal, randomBytesDoNoHarm } from '../properties.js';
import { recording, skip } from './recordings.js';

const defaults = intel5300.settings.parse({});
const join = (...parts: Uint8Array[]) => Uint8Array.from(Buffer.concat(parts));

function decode(stream: Uint8Array) {
  const decoder = intel5300.decoder(defaults);
  return { frames: decoder.push(stream, 1), counters: decoder.counters };
}

interface Record {
  time?: number;
  count?: number;
  rssi?: [number, number, number];
  noise?: number;
  gain?: number;
  selection?: number;
  rate?: number;
}

/**
 * A record as the driver writes it (read_bfee.c, log_to_file.c), put together bit by bit.
 * @param csi [subcarrier][chain][stream] real and imaginary part
 */
function record(
  csi: number[][][][],
  { time = 1000, count = 1, rssi = [40, 40, 40], noise = -92, gain = 30, selection = 0b100100, rate = 0x100 }: Record = {}, // prettier-ignore
): Uint8Array {
  const bits: number[] = [];
  const put = (value: number, width: number) => {
    for (let i = 0; i < width; i++) bits.push((value >> i) & 1);
  };
  for (const chains of csi) {
    put(0, 3);
    for (const streams of chains) for (const parts of streams) for (const part of parts) put(part, 8);
  }
  const length = Math.ceil(bits.length / 8);
  const bytes = new Uint8Array(23 + length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 21 + length);
  bytes[2] = 0xbb;
  view.setUint32(3, time, true);
  view.setUint16(7, count, true);
  bytes.set([csi[0]!.length, csi[0]![0]!.length, ...rssi, noise & 0xff, gain, selection], 11);
  view.setUint16(19, length, true);
  view.setUint16(21, rate, true);
  bits.forEach((bit, i) => (bytes[23 + (i >> 3)]! |= bit << (i & 7)));
  return bytes;
}

/** csi of [30][chains][streams], each value its own. */
const numbered = (chains: number, streams: number) =>
  Array.from({ length: 30 }, (_, k) =>
    Array.from({ length: chains }, (_, chain) =>
      Array.from({ length: streams }, (_, stream) => [k + 1 + 40 * chain, -(k + 1) - 30 * stream]),
    ),
  );

void t.test('values, antennas and streams come to their places', (t) => {
  for (const [chains, streams] of [[1, 1], [2, 1], [3, 1], [3, 2], [2, 3], [3, 3]] as const) {
    const csi = numbered(chains, streams);
    const selection = chains === 3 ? 0b001001 : chains === 2 ? 0b0001 : 0b10; // chain 0 at socket B, 1 at C, 2 at A
    const row = chains === 3 ? [1, 2, 0] : chains === 2 ? [0, 1] : [0]; // only three are put in order
    const { frames, counters } = decode(record(csi, { selection }));
    t.strictSame(counters.failures, { badRecord: 0, otherRecord: 0, badPermutation: 0, lostPackets: 0 });
    const frame = frames[0]!;
    t.equal(frame.receivers, chains);
    t.equal(frame.transmitters, streams);
    // One factor for all values.
    const factor = frame.csi[2 * row[0]! * streams * 30]! / csi[0]![0]![0]![0]!;
    let worst = 0;
    csi.forEach((all, k) =>
      all.forEach((one, chain) =>
        one.forEach(([real, imaginary], stream) => {
          const at = 2 * ((row[chain]! * streams + stream) * 30 + k);
          worst = Math.max(worst, Math.abs(frame.csi[at]! - factor * real!), Math.abs(frame.csi[at + 1]! - factor * imaginary!)); // prettier-ignore
        }),
      ),
    );
    t.ok(worst < 1e-4 * factor, `${chains} × ${streams}: ${worst}`);
  }
  t.end();
}); // prettier-ignore

void t.test('|csi|² is signal over noise power', (t) => {
  // One antenna, all values 100: power received = 54 − 44 − 30 = −20 dBm, noise −90 dBm, so 70 dB but for the error of
  // the numbers, 1 in 100² = 40 dB below the signal: 10^−4 + 10^−7 of the signal.
  const csi = Array.from({ length: 30 }, () => [[[100, 0]]]);
  const frame = decode(record(csi, { rssi: [54, 0, 0], noise: -90 })).frames[0]!;
  const expected = 1 / (1e-4 + 1e-7);
  t.ok(Math.abs(frame.csi[0]! ** 2 / expected - 1) < 1e-6);
  t.equal(frame.scale, 'absolute');
  t.strictSame([...frame.rssi!], [-20]);
  t.equal(frame.noise, -90);
  t.equal(frame.gain, 30);
  const unknown = decode(record(csi, { rssi: [54, 0, 0], noise: -127 })).frames[0]!;
  t.notOk('noise' in unknown);
  const silent = decode(record(csi, { rssi: [0, 0, 0] })).frames[0]!;
  t.equal(silent.scale, 'raw', 'no power received: nothing to scale by');
  t.equal(silent.csi[0], 100);
  t.notOk('rssi' in silent);
  t.end();
});

void t.test('subcarriers of 20 and 40 MHz', (t) => {
  // csitool's FAQ: 20 MHz [-28:2:-2, -1, 1:2:27, 28]; 40 MHz [-58:4:-2, 2:4:58].
  const narrow = decode(record(numbered(1, 1), { rate: 0x10d })).frames[0]!;
  t.strictSame([...narrow.subcarriers], [-28, -26, -24, -22, -20, -18, -16, -14, -12, -10, -8, -6, -4, -2, -1, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 28]); // prettier-ignore
  t.equal(narrow.bandwidth, 20e6);
  const wide = decode(record(numbered(1, 1), { rate: 0x904 })).frames[0]!;
  t.strictSame([...wide.subcarriers], [-58, -54, -50, -46, -42, -38, -34, -30, -26, -22, -18, -14, -10, -6, -2, 2, 6, 10, 14, 18, 22, 26, 30, 34, 38, 42, 46, 50, 54, 58]); // prettier-ignore
  t.equal(wide.bandwidth, 40e6);
  t.end();
});

void t.test('the clock wraps, counts have gaps', (t) => {
  const one = (time: number, count: number) => record(numbered(1, 1), { time, count });
  const { frames, counters } = decode(join(one(2 ** 32 - 500, 65534), one(500, 65535), one(1500, 2)));
  const steps = frames.slice(1).map((frame, i) => Math.round((frame.deviceTime! - frames[i]!.deviceTime!) * 1e6));
  t.strictSame(steps, [1000, 1000]);
  t.equal(counters.failures['lostPackets'], 2);
  t.end();
});

void t.test('other records, damaged lengths, senseless antennas', (t) => {
  const good = record(numbered(3, 1));
  const other = Uint8Array.from([0, 4, 0xc1, 1, 2, 3]);
  const { frames, counters } = decode(join(good, other, good));
  t.equal(frames.length, 2);
  t.equal(counters.failures['otherRecord'], 1);
  t.equal(counters.skippedBytes, other.length);
  const broken = good.slice();
  broken[0] = 0x7f;
  const second = decode(join(good, broken, good));
  t.equal(second.frames.length, 2);
  t.equal(second.counters.failures['badRecord'], 1);
  const third = decode(record(numbered(3, 1), { selection: 0 }));
  t.equal(third.counters.failures['badPermutation'], 1);
  t.equal(third.frames.length, 1, 'the antennas stay as they come');
  t.ok(intel5300.recognises!(good));
  t.notOk(intel5300.recognises!(broken));
  t.notOk(intel5300.recognises!(other));
  t.end();
});

void t.test('properties of every decoder', (t) => {
  const records = Array.from({ length: 10 }, (_, i) => record(numbered(1 + (i % 3), 1), { count: i, time: 2e9 + 1000 * i, selection: i % 3 === 1 ? 0b0100 : 0b100100 })); // prettier-ignore
  const make = () => intel5300.decoder(defaults);
  choppingChangesNothing(make, join(...records, Uint8Array.of(1, 2, 3), ...records, records[0]!.subarray(0, 50)));
  damageStaysLocal(make, records.map((one) => [one]), 'stream'); // prettier-ignore
  randomBytesDoNoHarm(make, records);
  t.pass();
  t.end();
});

// Records: csitool's own README and WiAR's notes. Sums and values: read_bfee.c, read_bf_file.m and get_scaled_csi.m of
// dhalperi/linux-80211n-csitool-supplementary 08ea7cc, followed in numpy in double precision. CSIKit d2705ab with
// `scaled=True` gives the same (2738023.04, 4267880.46, 4229997.44 in single precision).
const captures = [
  { path: ['captures', 'intel5300', 'example.dat'], records: 26, streams: 2, power: 2738023.067345674, seconds: 2.014226,
    first: [6.26521583, -0.56956508], secondReceiver: [0.56956508, -11.96086659], rssi: [-30, -29, -28], noise: -72, bandwidth: 20e6 },
  { path: ['captures', 'intel5300', 'log.all_csi.6.7.6.dat'], records: 29, streams: 1, power: 4267880.504111856, seconds: 0,
    first: [6.34211037, -1.72966646], secondReceiver: [5.76555488, 3.45933293], rssi: [-49, -45, -41], noise: undefined, bandwidth: 20e6 },
  { path: ['wiar', 'distance-1', 'csi_a12_1.dat'], records: 604, streams: 1, power: 4229997.462971098, seconds: 18.543325,
    first: [-6.34943742, 2.64559893], secondReceiver: [8.99503635, 1.58735936], rssi: [-57, -61, -63], noise: -87, bandwidth: 40e6 },
]; // prettier-ignore

void t.test('captures', { skip }, (t) => {
  for (const { path, records, streams, power, seconds, first, secondReceiver, rssi, noise, bandwidth } of captures) {
    const name = path.at(-1)!;
    const stream = recording(...path);
    t.ok(intel5300.recognises!(stream), name);
    const { frames, counters } = decode(stream);
    t.equal(frames.length, records, `${name}: records`);
    t.equal(counters.skippedBytes, 0);
    t.strictSame(counters.failures, { badRecord: 0, otherRecord: 0, badPermutation: 0, lostPackets: 0 });
    const frame = frames[0]!;
    t.strictSame([frame.receivers, frame.transmitters], [3, streams]);
    const near = (at: number, [real, imaginary]: number[]) =>
      t.ok(Math.abs(frame.csi[at]! - real!) < 1e-5 && Math.abs(frame.csi[at + 1]! - imaginary!) < 1e-5, `${name} at ${at}`); // prettier-ignore
    near(0, first);
    near(2 * streams * 30, secondReceiver);
    let sum = 0;
    for (const { csi } of frames) for (const part of csi) sum += part * part;
    t.ok(Math.abs(sum / power - 1) < 1e-6, `${name}: ${sum}`);
    t.ok(Math.abs(frames.at(-1)!.deviceTime! - frame.deviceTime! - seconds) < 1e-5, `${name}: time`);
    t.strictSame([...frame.rssi!], rssi);
    t.equal(frame.noise, noise);
    t.equal(frame.bandwidth, bandwidth);
  }
  t.end();
});
