import t from 'tap';
import { picoscenes } from '../../../drivers/wifi/picoscenes.js';
import { choppingChangesNothing, damageStaysLocal, randomBytesDoNoHarm } from '../properties.js';
import { recording, skip } from './recordings.js';

const defaults = picoscenes.settings.parse({});
const noFailures = { badFrame: 0, tooLong: 0, noCsi: 0, unknownVersion: 0, unknownDevice: 0, badCsi: 0 };
const join = (...parts: readonly Uint8Array[]) => Uint8Array.from(Buffer.concat(parts));

function decode(stream: Uint8Array) {
  const decoder = picoscenes.decoder(defaults);
  return { frames: decoder.push(stream, 1), counters: decoder.counters };
}

/** Little-endian numbers, each with its width in bytes; negative ones in two's complement. */
function numbers(...fields: readonly (readonly [value: number, width: number])[]): Uint8Array {
  return Uint8Array.from(
    fields.flatMap(([value, width]) => Array.from({ length: width }, (_, i) => Math.floor(value / 256 ** i) & 0xff)),
  );
}
const text = (letters: string) => Uint8Array.from(Buffer.from(letters, 'latin1'));

function segment(name: string, version: number, content: Uint8Array): Uint8Array {
  const body = join(numbers([name.length, 1]), text(name), numbers([version, 2]), content);
  return join(numbers([body.length, 4]), body);
}

function frame(segments: readonly Uint8Array[], wifiFrame = dataFrame()): Uint8Array {
  const body = join(numbers([0x20150315, 4], [1, 2], [segments.length, 1]), ...segments, wifiFrame);
  return join(numbers([body.length, 4]), body);
}

/** A data frame's header; sequence number 0x123. */
const dataFrame = () =>
  Uint8Array.of(0x88, 2, 0x30, 0, 1, 1, 1, 1, 1, 1, 0x72, 0x6c, 0x9a, 0x2f, 0xd2, 0xc3, 2, 2, 2, 2, 2, 2, 0x30, 0x12);

/** RxSBasic as RxSBasicSegment.cxx has it: noise −95, rssi 50 above it or −45, chains −46, −47, −48. */
function basic(version: 1 | 2 | 3 | 4, device: number, time = 1e6): Uint8Array {
  const relative: [number, number][] = [[161, 1], [50, 1], [49, 1], [48, 1], [47, 1]]; // prettier-ignore
  const absolute: [number, number][] = [[161, 1], [211, 1], [210, 1], [209, 1], [208, 1]]; // prettier-ignore
  const head: [number, number][] = [[device, 2], [time, 8]]; // prettier-ignore
  const rates: [number, number][] = [[800, 2], [4, 1], [1, 1], [0, 1], [2, 1]]; // prettier-ignore
  const users: [number, number][] = [[1, 1], [0, 1]]; // prettier-ignore
  const content =
    version <= 2
      ? [...head, [2437, 2], [1, 1], [20, 2], ...rates, ...(version === 2 ? users : []), ...relative]
      : [...head, ...(version === 4 ? [[0, 8]] : []), [2437, 2], [2437, 2], [20, 2], [1, 1], [20, 2], ...rates, ...users, ...absolute];
  return segment('RxSBasic\0', version, numbers(...(content as [number, number][])));
} // prettier-ignore

interface CsiHead {
  format?: number;
  megahertz?: number;
  tones: number;
  streams?: number;
  receivers?: number;
  extra?: number;
  measurements?: number;
  antennas?: number;
  offset?: number;
}

/** The CSI segment as CSISegment.cxx has it. */
function csi(
  version: 1 | 2 | 3 | 4,
  device: number,
  { format = 1, megahertz = 20, tones, streams = 1, receivers = 2, extra = 0, measurements = 1, antennas = 0, offset = 0 }: CsiHead,
  content: Uint8Array,
): Uint8Array {
  return segment(
    'CSI',
    version,
    join(
      numbers([device, 2], ...((version === 4 ? [[1, 1]] : []) as [number, number][]), [format, 1], [megahertz, 2]),
      numbers([2.437e9, 8], [20e6, 8], [312500, 4], [tones, 2], [streams, 1], [receivers, 1], [extra, 1]),
      version >= 3 ? numbers([measurements, 2]) : numbers(),
      numbers([antennas, 1]),
      version >= 2 ? numbers([offset, 2]) : numbers(),
      numbers([content.length, 4]),
      content,
    ),
  );
} // prettier-ignore

/** int16 parts that count: real part i + 1, imaginary part −(i + 1). */
const words = (count: number) => numbers(...Array.from({ length: 2 * count }, (_, i) => [(i & 1 ? -1 : 1) * ((i >> 1) + 1), 2] as const)); // prettier-ignore

const ax200 = (time = 1e6) => frame([basic(3, 0x2000, time), csi(3, 0x2000, { tones: 56 }, words(112))]);

void t.test('AX200: fields, and values by receiver, stream, subcarrier', (t) => {
  for (const version of [3, 4] as const) {
    const content = csi(version, 0x2100, { tones: 52, format: 0, streams: 2, offset: 0 }, words(208));
    const { frames, counters } = decode(frame([basic(version, 0x2100), content]));
    t.strictSame(counters.failures, noFailures);
    const one = frames[0]!;
    t.strictSame([one.receivers, one.transmitters], [2, 2]);
    t.strictSame([one.subcarriers[0], one.subcarriers[25], one.subcarriers[26], one.subcarriers[51]], [-26, -1, 1, 26]);
    t.strictSame([...one.csi.subarray(2 * 52, 2 * 52 + 2)], [53, -53], 'second stream of the first receiver');
    t.strictSame([...one.csi.subarray(2 * 104, 2 * 104 + 2)], [105, -105], 'second receiver');
    t.strictSame([...one.rssi!], [-46, -47], 'of the receivers');
    t.strictSame([one.noise, one.frequency, one.bandwidth, one.deviceTime], [-95, 2.437e9, 20e6, 1]);
    t.strictSame([one.source, one.sequence], ['72:6c:9a:2f:d2:c3', 0x123]);
  }
  t.end();
});

void t.test('AX200: the clock of MVMExtra where RxSBasic has none', (t) => {
  const extra = (time: number) =>
    segment('MVMExtra', 1, join(new Uint8Array(90), numbers([time, 4]), new Uint8Array(10)));
  const one = (time: number) => frame([basic(3, 0x2000, 0), extra(time), csi(3, 0x2000, { tones: 56 }, words(112))]);
  const { frames } = decode(join(one(2 ** 32 - 1000), one(1000)));
  t.equal(Math.round((frames[1]!.deviceTime! - frames[0]!.deviceTime!) * 1e6), 2000);
  t.notOk('deviceTime' in decode(frame([basic(3, 0x2000, 0), csi(3, 0x2000, { tones: 56 }, words(112))])).frames[0]!);
  t.end();
});

void t.test('Intel 5300: streams by the bytes, offset of subcarriers', (t) => {
  // 30 subcarriers of 3 + 16 · 2 bits: one receiver, two streams; all bits 0 but one.
  const content = new Uint8Array(132);
  content[0] = 1 << 3; // bit 3: real part of the first value is 1
  const { frames, counters } = decode(
    frame([basic(1, 0x5300), csi(2, 0x5300, { tones: 30, receivers: 1, streams: 2, offset: 32 }, content)]),
  );
  t.strictSame(counters.failures, noFailures);
  const one = frames[0]!;
  t.strictSame([one.receivers, one.transmitters, one.csi[0]], [1, 2, 1]);
  t.strictSame([one.subcarriers[0], one.subcarriers[29]], [4, 60]);
  t.strictSame([...one.rssi!], [-45], 'noise and what is above it');
  t.end();
});

void t.test('QCA9300: 10 bits a part, imaginary part first, receivers fastest', (t) => {
  // CSISegment.hxx: value i has its imaginary part in bits 20 i … 20 i + 9 and its real part in the next ten.
  const values = 3 * 56;
  let bits = 0n;
  for (let i = 0; i < values; i++) {
    const imaginary = BigInt((-i - 1) & 0x3ff);
    const real = BigInt((3 * i) % 512);
    bits |= (imaginary | (real << 10n)) << BigInt(20 * i);
  }
  const content = Uint8Array.from({ length: (values * 20) / 8 }, (_, i) => Number((bits >> BigInt(8 * i)) & 0xffn));
  for (const version of [1, 2] as const) {
    const one = decode(frame([basic(version, 0x9300), csi(version, 0x9300, { tones: 56, receivers: 3 }, content)])).frames[0]!;
    t.equal(one.receivers, 3);
    for (const [receiver, k] of [[0, 0], [2, 0], [1, 7], [2, 55]] as const) {
      const i = 3 * k + receiver;
      const at = 2 * (56 * receiver + k);
      t.strictSame([one.csi[at], one.csi[at + 1]], [(3 * i) % 512, -i - 1]);
    }
    t.strictSame([one.subcarriers[0], one.subcarriers[55]], [-28, 28]);
  }
  t.end();
}); // prettier-ignore

void t.test('SDR: indices and doubles', (t) => {
  const parts = Float64Array.of(0.5, -0.25, 1.5, 2, -1, 3);
  const indices = numbers([-3, 2], [1, 2], [2, 2]);
  for (const [letters, width] of [
    ['BBv1', 4],
    ['BBv2', 8],
  ] as const) {
    const matrix = join(text(letters), numbers([3, 1], [3, width], [1, width], [1, width]), text('CD@C'), new Uint8Array(parts.buffer)); // prettier-ignore
    const content = csi(3, 0x1234, { tones: 3, receivers: 1 }, join(indices, matrix));
    const one = decode(frame([basic(3, 0x1234, 2.5e9), content])).frames[0]!;
    t.strictSame([...one.subcarriers], [-3, 1, 2]);
    t.strictSame([...one.csi], [...parts]);
    t.equal(one.deviceTime, 2.5, 'nanoseconds');
    t.notOk('rssi' in one);
  }
  t.end();
});

void t.test('what cannot be read is counted, and the next frame is found', (t) => {
  const good = ax200();
  const cases: [keyof typeof noFailures, Uint8Array][] = [
    ['noCsi', frame([basic(3, 0x2000)])],
    ['unknownVersion', frame([basic(3, 0x2000), segment('CSI', 9, new Uint8Array(60))])],
    ['unknownDevice', frame([basic(3, 0x2000), csi(3, 0x7777, { tones: 56 }, words(112))])],
    ['badCsi', frame([basic(3, 0x2000), csi(3, 0x2000, { tones: 57 }, words(114))])],
    ['badCsi', frame([basic(3, 0x2000), csi(3, 0x2000, { tones: 56 }, words(111))])],
    ['badFrame', Uint8Array.from([...numbers([5000, 4]), ...good.subarray(4)])],
    ['badFrame', Uint8Array.from([...numbers([60, 4]), ...good.subarray(4)])],
    ['tooLong', Uint8Array.from([...numbers([2 ** 30, 4]), ...good.subarray(4)])],
  ];
  for (const [name, bad] of cases) {
    const { frames, counters } = decode(join(good, bad, good));
    t.equal(frames.length, 2, name);
    t.strictSame(counters.failures, { ...noFailures, [name]: 1 }, name);
    t.equal(counters.skippedBytes, bad.length, name);
  }
  t.ok(picoscenes.recognises!(good));
  t.notOk(picoscenes.recognises!(good.subarray(1)));
  // A Wi-Fi frame sent by PicoScenes holds its magic number too.
  const own = frame(
    [basic(3, 0x2000), csi(3, 0x2000, { tones: 56 }, words(112))],
    join(dataFrame(), good.subarray(4, 12)),
  );
  t.equal(decode(join(own, good)).frames.length, 2);
  t.end();
});

void t.test('properties of every decoder', (t) => {
  const frames = Array.from({ length: 8 }, (_, i) => ax200(1e6 + 1000 * i));
  const make = () => picoscenes.decoder(defaults);
  choppingChangesNothing(make, join(...frames, Uint8Array.of(1, 2, 3), ...frames, frames[0]!.subarray(0, 50)));
  damageStaysLocal(make, frames.map((one) => [one]), 'stream'); // prettier-ignore
  randomBytesDoNoHarm(make, frames);
  t.pass();
  t.end();
});

// Frames, Σ |csi|², first values and seconds: CSIKit d2705ab, PicoScenesBeamformReader; source: the transmitter's address of the
// Wi-Fi frame (IEEE 802.11-2020, 9.3.2.1), which that reader takes from the receiver's.
const captures = [
  { file: 'picoscenes_ax200_example.csi', frames: 885, legacy: 107, power: 2138342703, first: [-112, 39], second: [86, -45], seconds: 4.950518,
    rssi: [-35, -32], noise: undefined, frequency: 2412e6, source: '00:16:ea:12:34:56' },
  { file: 'picoscenes_iwl5300_example.csi', frames: 112, legacy: 0, power: 5510125, first: [-6, 12], second: [1, 4], seconds: 10.398388,
    rssi: [-69], noise: -89, frequency: 2437e6, source: '72:6c:9a:2f:d2:c3' },
]; // prettier-ignore

void t.test('captures', { skip }, (t) => {
  for (const {
    file,
    frames: count,
    legacy,
    power,
    first,
    second,
    seconds,
    rssi,
    noise,
    frequency,
    source,
  } of captures) {
    const stream = recording('captures', 'picoscenes', file);
    t.ok(picoscenes.recognises!(stream), file);
    const { frames, counters } = decode(stream);
    t.equal(frames.length, count, `${file}: frames`);
    t.equal(counters.skippedBytes, 0);
    t.strictSame(counters.failures, noFailures);
    t.equal(frames.filter(({ subcarriers }) => subcarriers.length === 52).length, legacy);
    const one = frames[0]!;
    t.strictSame([...one.csi.subarray(0, 2)], first);
    const receiver = 2 * one.subcarriers.length;
    t.strictSame([...one.csi.subarray(receiver, receiver + 2)], second, 'second receiver');
    let sum = 0;
    for (const { csi } of frames) for (const part of csi) sum += part * part;
    t.equal(sum, power);
    t.ok(Math.abs(frames.at(-1)!.deviceTime! - one.deviceTime! - seconds) < 1e-5, `${file}: time`);
    t.strictSame([...one.rssi!], rssi);
    t.equal(one.noise, noise);
    t.equal(one.frequency, frequency);
    t.equal(one.source, source);
  }
  t.end();
});
