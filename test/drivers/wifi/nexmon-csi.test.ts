import t from 'tap';
import type { WifiFrame } from '../../../drivers/frames.js';
import { nexmonCsi, type NexmonCsiSettings } from '../../../drivers/wifi/nexmon-csi.js';
import { damageStaysLocal, randomBytesDoNoHarm } from '../properties.js';
import { recording, skip } from './recordings.js';

const defaults = nexmonCsi.settings.parse({});
const noFailures = { tooShort: 0, badMagic: 0, unknownChip: 0, unknownChannel: 0, wrongLength: 0, incomplete: 0 };

function decode(datagrams: readonly Uint8Array[], settings: Partial<NexmonCsiSettings> = {}, interval = 0.001) {
  const decoder = nexmonCsi.decoder({ ...defaults, ...settings });
  return { frames: datagrams.flatMap((bytes, i) => decoder.push(bytes, i * interval)), counters: decoder.counters };
}

interface Packet {
  status?: [rssi: number, control: number];
  source?: number;
  sequence?: number;
  core?: number;
  stream?: number;
  channel?: number;
  chip?: number;
  words?: readonly number[];
}

/** A datagram as csi_extractor.c builds it. */
function packet({ status, source = 0xee, sequence = 0x1230, core = 0, stream = 0, channel = 0x1006, chip = 0x65, words }: Packet) {
  const n = 16 << ((channel >> 11) & 7);
  const bytes = new Uint8Array(18 + 4 * n);
  const view = new DataView(bytes.buffer);
  bytes.set([0x11, 0x11, ...(status ?? [0x11, 0x11]), 0x11, 0x22, 0x33, 0x44, 0x55, source]);
  view.setUint16(10, sequence, true);
  view.setUint16(12, core | (stream << 3), true);
  view.setUint16(14, channel, true);
  view.setUint16(16, chip, true);
  for (let i = 0; i < n; i++) view.setUint32(18 + 4 * i, words?.[i] ?? integers(i + 1, -(i + 1) - 1000 * core - 3000 * stream), true);
  return bytes;
} // prettier-ignore

const integers = (real: number, imaginary: number) => ((real & 0xffff) | (imaginary << 16)) >>> 0;
const value = ({ csi, subcarriers }: WifiFrame, k: number, row = 0) => {
  const at = 2 * (row * subcarriers.length + subcarriers.indexOf(k));
  return [csi[at], csi[at + 1]];
};

void t.test('subcarriers by width: in ascending order, nothing on null and guard subcarriers', (t) => {
  // Channel words: width 2, 3, 4 at bits 11 to 13. Nulls: nexmon_csi's README, 'Frequently Asked Questions'.
  const cases = [
    { channel: 0x1006, n: 64, silent: (k: number) => k === 0 || k < -28 || k > 28, frequency: 2437e6 },
    { channel: 0xd826, n: 128, silent: (k: number) => Math.abs(k) <= 1 || k < -58 || k > 58, frequency: 5190e6 },
    { channel: 0xe02a, n: 256, silent: (k: number) => Math.abs(k) <= 1 || k < -122 || k > 122, frequency: 5210e6 },
  ];
  for (const { channel, n, silent, frequency } of cases) {
    const frame = decode([packet({ channel })], { packetsPerFrame: 1 }).frames[0]!;
    t.equal(frame.subcarriers.length, n);
    frame.subcarriers.forEach((k, i) => {
      if (i > 0 && k !== frame.subcarriers[i - 1]! + 1) t.fail(`subcarrier ${k}`);
      const sent = k < 0 ? k + n : k; // place in the datagram
      const expected = silent(k) ? [0, 0] : [sent + 1, -(sent + 1)];
      if (value(frame, k).join() !== expected.join()) t.fail(`${n}: subcarrier ${k}: ${value(frame, k).join()}`);
    });
    t.equal(frame.bandwidth, (n / 64) * 20e6);
    t.equal(frame.frequency, frequency);
    t.equal(frame.source, '11:22:33:44:55:ee');
    t.equal(frame.sequence, 0x123);
    t.notOk('rssi' in frame, 'older firmware');
  }
  t.end();
});

void t.test('firmware with received power: where it writes its status, the csi is 0', (t) => {
  for (const [channel, spoilt] of [[0x1006, 28], [0xd826, 2], [0xe02a, 2]] as const) {
    const frame = decode([packet({ channel, status: [0xc6, 0x88] })], { packetsPerFrame: 1 }).frames[0]!;
    t.strictSame([...frame.rssi!], [-58]);
    t.strictSame(value(frame, spoilt), [0, 0]);
    t.not(value(frame, spoilt - 30)[0], 0);
  }
  t.end();
}); // prettier-ignore

void t.test('packed floats: sign, mantissa, exponent', (t) => {
  const words = (word: number) => Array<number>(64).fill(word >>> 0);
  // BCM4358, 1 + 8, 1 + 8, 5 bits: −200 · 2^−3 and 5 · 2^−3.
  const small = decode([packet({ chip: 3, words: words((1 << 22) | (200 << 14) | (5 << 5) | 0b11101) })], { packetsPerFrame: 1 });
  t.strictSame(value(small.frames[0]!, 7), [-25, 0.625]);
  // BCM4366c0, 1 + 11, 1 + 11, 6 bits: 2047 · 2^4 and −1 · 2^4.
  const large = decode([packet({ chip: 0x6a, words: words((2047 << 18) | (1 << 17) | (1 << 6) | 4) })], { packetsPerFrame: 1 });
  t.strictSame(value(large.frames[0]!, -7), [32752, -16]);
  t.end();
}); // prettier-ignore

/** A Wi-Fi frame's packets from two cores and two streams. */
const four = (sequence: number) =>
  [0, 1].flatMap((core) => [0, 1].map((stream) => packet({ sequence: sequence << 4, core, stream })));

void t.test('packets of one Wi-Fi frame make one frame', (t) => {
  const { frames, counters } = decode([1, 2, 3].flatMap(four));
  t.strictSame(frames.map(({ sequence }) => sequence), [1, 2, 3]); // prettier-ignore
  for (const frame of frames) {
    t.strictSame([frame.receivers, frame.transmitters], [2, 2]);
    t.strictSame([0, 1, 2, 3].map((row) => value(frame, 10, row)[1]), [-11, -3011, -1011, -4011]); // prettier-ignore
  }
  t.strictSame(counters.failures, noFailures);
  const decoder = nexmonCsi.decoder(defaults);
  const counts = [1, 2, 3].flatMap(four).map((bytes, i) => decoder.push(bytes, i / 1000).length);
  t.strictSame(
    counts,
    [0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1],
    'two with the beginning of the next, then with the last packet',
  );
  const told = nexmonCsi.decoder({ ...defaults, packetsPerFrame: 4 });
  t.strictSame(four(1).map((bytes) => told.push(bytes, 0).length), [0, 0, 0, 1]); // prettier-ignore
  t.end();
});

void t.test('a lost packet costs its frame, and control frames without a number do not run together', (t) => {
  const datagrams = [1, 2, 3, 4, 5].flatMap(four).filter((_, i) => i !== 10);
  const { frames, counters } = decode(datagrams);
  t.strictSame(frames.map(({ sequence }) => sequence), [1, 2, 4, 5]); // prettier-ignore
  t.equal(counters.failures['incomplete'], 1);
  t.equal(decode([0, 0, 0].flatMap(four)).frames.length, 3);
  t.equal(decode([packet({ sequence: 0 }), packet({ sequence: 0 }), packet({ sequence: 0 })]).frames.length, 3);
  t.equal(decode([packet({}), packet({ source: 1 }), packet({})]).frames.length, 3, 'another transmitter');
  t.equal(decode([0, 0, 0].flatMap(four), { packetsPerFrame: 4 }, 1).frames.length, 0, 'seconds apart');
  t.end();
});

void t.test('a device that is set to more or fewer cores is followed', (t) => {
  const one = (sequence: number) => [packet({ sequence: sequence << 4 })];
  const numbers = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);
  const { frames } = decode([
    ...numbers(1, 3).flatMap(one),
    ...numbers(4, 5).flatMap(four),
    ...numbers(9, 20).flatMap(one),
  ]);
  const large = frames.filter(({ receivers }) => receivers === 2).map(({ sequence }) => sequence);
  t.strictSame(large, [5, 6, 7, 8], 'the first with more had begun as one of the old kind');
  const small = frames.filter(({ receivers, sequence }) => receivers === 1 && sequence! > 8);
  t.ok(small.length >= 20 - 8, `${small.length} of 20`);
  t.end();
});

void t.test('what is no such packet is counted', (t) => {
  const good = packet({});
  const bad: [string, Uint8Array][] = [
    ['tooShort', good.subarray(0, 17)],
    ['wrongLength', good.subarray(0, good.length - 1)],
    ['badMagic', Uint8Array.from([0x12, ...good.subarray(1)])],
    ['unknownChip', packet({ chip: 7 })],
    ['unknownChannel', packet({ channel: 0xc026, words: [] })],
  ];
  for (const [name, bytes] of bad) {
    const { frames, counters } = decode([bytes], { packetsPerFrame: 1 });
    t.equal(frames.length, 0);
    t.strictSame(counters.failures, { ...noFailures, [name]: 1 });
    t.equal(counters.skippedBytes, bytes.length);
    t.notOk(nexmonCsi.recognises!(bytes), name);
  }
  t.ok(nexmonCsi.recognises!(good));
  t.end();
});

void t.test('properties of every decoder', (t) => {
  const make = () => nexmonCsi.decoder(defaults);
  damageStaysLocal(make, Array.from({ length: 9 }, (_, i) => four(i + 1)), 'datagrams'); // prettier-ignore
  randomBytesDoNoHarm(make, [packet({}), packet({ chip: 3 }), packet({ core: 1 })]);
  t.pass();
  t.end();
});

/** UDP payloads of a pcap file (little-endian, Ethernet, IPv4 without options). */
function payloads(file: Uint8Array): { bytes: Uint8Array; time: number }[] {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const found = [];
  for (let at = 24; at + 16 <= file.length;) {
    const time = view.getUint32(at, true) + view.getUint32(at + 4, true) / 1e6;
    const length = view.getUint32(at + 8, true);
    const udp = at + 16 + 14 + 20;
    found.push({ time, bytes: file.subarray(udp + 8, udp + view.getUint16(udp + 4)) });
    at += 16 + length;
  }
  return found;
}

function decodeCapture(name: string, settings: Partial<NexmonCsiSettings> = {}) {
  const decoder = nexmonCsi.decoder({ ...defaults, ...settings });
  const packets = payloads(recording('captures', 'nexmon', name));
  return { frames: packets.flatMap(({ bytes, time }) => decoder.push(bytes, time)), counters: decoder.counters };
}

void t.test('captures with 16-bit integers', { skip }, (t) => {
  // Packets, Σ |csi|² over the used subcarriers, values: numpy.fft.fftshift over the words of the files, as csireader.m and
  // plotcsi.m do. CSIKit d2705ab reads 950 frames [256, 3, 1] and 566 (or 548 and 18 that it skips for the bytes that fill up
  // the Ethernet frame), both 80 MHz.
  const cases = [
    {
      file: 'example_4339.pcap',
      frames: 950,
      streams: 3,
      power: 169590670131,
      first: [
        [-122, -249, -111],
        [-2, 149, 23],
        [3, 29, 49],
        [122, 11, 36],
      ],
      rssi: undefined,
    },
    {
      file: 'example_43455c0.pcap',
      frames: 566,
      streams: 1,
      power: 72897487930,
      first: [
        [-122, -214, -357],
        [-2, 11, -10],
        [3, -12, -15],
        [122, 18, -20],
      ],
      rssi: -58.47349823321555,
    },
  ] as const;
  for (const { file, frames: count, streams, power, first, rssi } of cases) {
    const { frames, counters } = decodeCapture(file);
    t.equal(frames.length, count, `${file}: frames`);
    t.strictSame(counters.failures, noFailures);
    t.equal(counters.skippedBytes, 0);
    const frame = frames[0]!;
    t.strictSame([frame.receivers, frame.transmitters, frame.subcarriers.length], [1, streams, 256]);
    for (const [k, real, imaginary] of first) t.strictSame(value(frame, k), [real, imaginary], `${file}: ${k}`);
    let sum = 0;
    for (const { csi } of frames) for (const part of csi) sum += part * part;
    t.equal(sum, power);
    t.equal(frame.frequency, 5210e6);
    if (rssi !== undefined) t.ok(Math.abs(frames.reduce((all, one) => all + one.rssi![0]!, 0) / count - rssi) < 1e-6);
  }
  t.end();
});

void t.test('capture with packed floats: one frame of two cores and two streams', { skip }, (t) => {
  const { frames, counters } = decodeCapture('example_4358.pcap', { packetsPerFrame: 4 });
  t.equal(frames.length, 1);
  t.strictSame(counters.failures, noFailures);
  const frame = frames[0]!;
  t.strictSame([frame.receivers, frame.transmitters], [2, 2]);
  t.equal(frame.frequency, 5775e6);
  // Whole numbers that unpack_float.c of nexmon_csi gives (format 0, no autoscale): values · 2^26; words 2, 100 and 200.
  const expected = [
    [[-6291456, -60293120], [-655360, 28180480], [54525952, 96993280]],
    [[20971520, 87031808], [61865984, -159383552], [-33292288, 53215232]],
    [[-38535168, -60293120], [2162688, 16056320], [125829120, 7340032]],
    [[45350912, -65536000], [-24117248, -39845888], [142606336, -59768832]],
  ];
  expected.forEach((row, i) =>
    [2, 100, -56].forEach((k, j) =>
      t.strictSame(value(frame, k, i).map((part) => part! * 2 ** 26), row[j], `row ${i}, subcarrier ${k}`),
    ),
  );
  t.end();
}); // prettier-ignore

// A BCM4366c0's packet, 20 MHz on channel 100, as printed in issue 45 of Gi-z/CSIKit (UDP payload).
const packetOf4366 = [
  '1111cd00fcd9084538da50f1000064d06a00f425232d77235a14775eae13f7934611b6a6b31ef6f1c717f7158f08f5f91b2a772e070037',
  '1a6b24b7007728f69ff736b6288f3c76b0ea3e771236307663803df6ceac3af63e0d353682cd2d369d6926f698710236007d26361cb510',
  '769d54153611ac167685ba1476082b0df64ed70227080f0200ced1d3d3000000f10ffa38f21f8124b17ffd0830600a1c2d021310768211',
  '0036653d0b36faf413f67a3c1a762bd61bb6ba861af63f3b17f7db330af70e8304f7237b20f728cb25370beb2a36c1f73f7798de33f73c',
  '5236f72008373780f435b7d50834f71c3530774f252b376fe925373df10eb76cd504f74d9109b729cd0d77e6981037acf412b76d9c14',
].join('');

void t.test('a real packet of a BCM4366c0: the channel is smooth but for the pilots', (t) => {
  const bytes = Uint8Array.from(Buffer.from(packetOf4366, 'hex'));
  t.ok(nexmonCsi.recognises!(bytes));
  const frame = decode([bytes], { packetsPerFrame: 1 }).frames[0]!;
  t.strictSame([frame.frequency, frame.bandwidth, frame.source], [5500e6, 20e6, 'fc:d9:08:45:38:da']);
  t.strictSame([...frame.rssi!], [-51]);
  t.strictSame(value(frame, 28), [0, 0], "the receiver's status is there");
  const magnitude = (k: number) => Math.hypot(...(value(frame, k) as [number, number]));
  const phase = (k: number) => Math.atan2(value(frame, k)[1]!, value(frame, k)[0]!);
  // IEEE 802.11-2020, 19.3.11.10: pilots at ±7 and ±21, whose phases the chip leaves as sent.
  const isPilot = (k: number) => Math.abs(k) === 7 || Math.abs(k) === 21;
  for (let k = -28; k < 27; k++) {
    if (isPilot(k) || isPilot(k + 1) || k === -1 || k === 0) continue;
    const ratio = magnitude(k + 1) / magnitude(k);
    t.ok(ratio > 0.9 && ratio < 1.1, `${k}: magnitude × ${ratio}`);
    const turn = phase(k + 1) - phase(k);
    const degrees = (((turn * 180) / Math.PI + 540) % 360) - 180;
    t.ok(degrees < -9 && degrees > -32, `${k}: phase turns by ${degrees}°`);
  }
  t.end();
});
