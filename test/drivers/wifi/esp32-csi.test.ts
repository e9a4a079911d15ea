import t from 'tap';
import type { WifiFrame } from '../../../drivers/frames.js';
import { esp32Csi, type Esp32CsiSettings } from '../../../drivers/wifi/esp32-csi.js';
import { choppingChangesNothing, damageStaysLocal, randomBytesDoNoHarm } from '../properties.js';
import { recording, skip } from './recordings.js';

const defaults = esp32Csi.settings.parse({});
const bytes = (text: string) => Uint8Array.from(Buffer.from(text, 'latin1'));
const noFailures = { malformed: 0, unknownColumns: 0, wrongLength: 0, unknownLayout: 0, otherField: 0, tooLong: 0, lostPackets: 0 }; // prettier-ignore

function decode(stream: Uint8Array, settings: Partial<Esp32CsiSettings> = {}) {
  const decoder = esp32Csi.decoder({ ...defaults, ...settings });
  return { frames: decoder.push(stream, 1), counters: decoder.counters };
}

interface Classic {
  id?: number;
  mode?: number;
  wide?: number;
  stbc?: number;
  secondary?: number;
  timestamp?: number;
  firstWord?: number;
  mac?: string;
}

/** A line of esp-csi's csi_recv on an ESP32, S3 or C3. */
function classicLine(
  values: readonly number[],
  { id = 5, mode = 1, wide = 0, stbc = 0, secondary = 0, timestamp = 1000, firstWord = 0, mac = '1a:00:00:00:00:00' }: Classic = {}, // prettier-ignore
) {
  return `CSI_DATA,${id},${mac},-40,11,${mode},7,${wide},1,0,1,${stbc},0,0,-96,0,6,${secondary},${timestamp},0,67,0,${values.length},${firstWord},"[${values.join(',')}]"\n`;
}

/** A line of esp-csi on a C5 or C6. */
const newerLine = (values: readonly number[], { channel = 11, timestamp = 372852, fftGain = 32 } = {}) =>
  `CSI_DATA,7,1a:00:00:00:00:00,-23,11,-96,${fftGain},4,${channel},${timestamp},47,0,${values.length},0,"[${values.join(',')}]"\r\n`;

/** A line of ESP32-CSI-Tool. */
const toolLine = (values: readonly number[], length = values.length, mode = 1) =>
  `CSI_DATA,AP,24:0A:C4:60:0F:08,-52,11,${mode},4,0,1,1,1,0,0,0,-96,1,8,0,47262566,0,84,0,0,47.464719,${length},[${values.join(' ')} ]\n`;

/** Values that say which pair they belong to: imaginary part = pair mod 100, real part = pair / 100. */
const numbered = (pairs: number) => Array.from({ length: pairs }, (_, i) => [i % 100, Math.floor(i / 100)]).flat();
/** The pairs that a frame's values came from. */
const origin = (csi: Float32Array) =>
  Array.from({ length: csi.length / 2 }, (_, i) => csi[2 * i]! * 100 + csi[2 * i + 1]!);
const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

// ESP-IDF programming guide, 'Wi-Fi Vendor Features', table of sub-carrier indices: [secondary channel, mode, 40 MHz, STBC,
// legacy field, HT field, second HT field, total bytes]. The guide counts from the centre of a 40 MHz channel.
type Row = [secondary: number, mode: number, wide: number, stbc: number, legacy: number[], ht: number[], second: number[], bytes: number]; // prettier-ignore
const natural = [...range(0, 31), ...range(-32, -1)];
const natural40 = [...range(0, 63), ...range(-64, -1)];
const natural40Stbc = [...range(0, 60), ...range(-60, -1)];
const table: Row[] = [
  [0, 0, 0, 0, natural, [], [], 128],
  [0, 1, 0, 0, natural, natural, [], 256],
  [0, 1, 0, 1, natural, natural, natural, 384],
  [2, 0, 0, 0, range(0, 63), [], [], 128],
  [2, 1, 0, 0, range(0, 63), range(0, 63), [], 256],
  [2, 1, 0, 1, range(0, 63), range(0, 62), range(0, 62), 380],
  [2, 1, 1, 0, range(0, 63), natural40, [], 384],
  [2, 1, 1, 1, range(0, 63), natural40Stbc, natural40Stbc, 612],
  [1, 0, 0, 0, range(-64, -1), [], [], 128],
  [1, 1, 0, 0, range(-64, -1), range(-64, -1), [], 256],
  [1, 1, 0, 1, range(-64, -1), range(-62, -1), range(-62, -1), 376],
  [1, 1, 1, 0, range(-64, -1), natural40, [], 384],
  [1, 1, 1, 1, range(-64, -1), natural40Stbc, natural40Stbc, 612],
];
/** Half of a 40 MHz channel: 10 MHz, 32 subcarriers, off its centre. */
const shift = (secondary: number) => (secondary === 0 ? 0 : secondary === 2 ? -32 : 32);

void t.test("every cell of the maker's table: subcarriers ascend, and each value belongs to its own", (t) => {
  for (const [secondary, mode, wide, stbc, legacy, ht, second, total] of table) {
    const name = `secondary ${secondary}, mode ${mode}, 40 MHz ${wide}, STBC ${stbc}`;
    const pairs = legacy.length + ht.length + second.length;
    // 612 bytes and 376, 380: the guide's totals are the sums of its fields.
    t.equal(2 * pairs, total, `${name}: bytes`);
    const values = numbered(pairs);
    const line = bytes(classicLine(values, { secondary, mode, wide, stbc }));
    for (const trainingField of ['auto', 'legacy'] as const) {
      const { frames, counters } = decode(line, { trainingField });
      const useLegacy = trainingField === 'legacy' || mode === 0;
      const field = useLegacy ? legacy : ht;
      const offset = useLegacy || wide === 0 ? shift(secondary) : 0;
      const order = field.map((k, pair) => ({ k: k + offset, pair })).sort((a, b) => a.k - b.k);
      const start = useLegacy ? 0 : legacy.length;
      const expected = order.map(({ pair }) => start + pair);
      if (!useLegacy && stbc === 1) expected.push(...order.map(({ pair }) => start + field.length + pair));
      t.equal(frames.length, 1, `${name}, ${trainingField}`);
      const frame = frames[0]!;
      t.strictSame([...frame.subcarriers], order.map(({ k }) => k), `${name}, ${trainingField}: subcarriers`); // prettier-ignore
      t.strictSame(origin(frame.csi), expected, `${name}, ${trainingField}: values`);
      t.equal(frame.transmitters, !useLegacy && stbc === 1 ? 2 : 1);
      t.equal(frame.bandwidth, !useLegacy && wide === 1 ? 40e6 : 20e6);
      // Channel 6 is at 2437 MHz; the secondary channel lies 20 MHz above or below the primary one.
      const centre = !useLegacy && wide === 1 ? (secondary === 1 ? 2447e6 : 2427e6) : 2437e6;
      t.equal(frame.frequency, centre, `${name}: frequency`);
      t.strictSame(counters.failures, noFailures);
    }
  }
  t.end();
});

void t.test('fields that the firmware has switched off', (t) => {
  const only = (pairs: number, packet: Classic) => decode(bytes(classicLine(numbered(pairs), packet))).frames[0];
  // The guide's own example: second HT field alone, 40 MHz: (61 + 60) · 2 bytes and two to fill the word.
  t.equal(only(122, { wide: 1, stbc: 1, secondary: 1 })?.subcarriers.length, 121);
  t.equal(only(128, { wide: 1, secondary: 1 })?.subcarriers.length, 128, 'HT field alone, 40 MHz');
  t.equal(only(64, { wide: 1, secondary: 1 })?.bandwidth, 20e6, 'legacy field alone of a 40 MHz packet');
  const { frames, counters } = decode(bytes(classicLine(numbered(128), { wide: 1, secondary: 1 })), { trainingField: 'legacy' }); // prettier-ignore
  t.equal(frames.length, 0);
  t.equal(counters.failures['otherField'], 1);
  t.equal(decode(bytes(classicLine(numbered(70)))).counters.failures['unknownLayout'], 1);
  t.end();
});

void t.test('ESP32-CSI-Tool: only the legacy field printed, whatever the length says', (t) => {
  const values = [...Array<number>(4).fill(0), ...numbered(62)];
  const { frames } = decode(bytes(toolLine(values, 384)));
  t.equal(frames.length, 1);
  t.strictSame([...frames[0]!.subcarriers], range(-32, 31));
  t.equal(frames[0]!.source, '24:0a:c4:60:0f:08');
  t.notOk('sequence' in frames[0]!);
  t.equal(frames[0]!.deviceTime, 47.262566);
  t.end();
});

void t.test('an invalid first word: its two subcarriers are 0', (t) => {
  const sent = [84, -64, 4, 3, ...numbered(126).map((value) => value + 1)];
  const zeros = (line: string) => {
    const { subcarriers, csi } = decode(bytes(line)).frames[0]!;
    return [...subcarriers].filter((_, i) => csi[2 * i] === 0 && csi[2 * i + 1] === 0);
  };
  t.strictSame(zeros(classicLine(sent.slice(0, 128), { mode: 0, firstWord: 1 })), [0, 1]);
  t.strictSame(zeros(classicLine(sent.slice(0, 128), { mode: 0, firstWord: 0 })), []);
  t.strictSame(zeros(classicLine(sent.slice(0, 128), { mode: 0, firstWord: 1, secondary: 1 })), [-32, -31]);
  t.strictSame(zeros(classicLine(sent, { firstWord: 1 })), [], 'the HT field lies behind it');
  t.strictSame(zeros(toolLine(sent.slice(0, 128), 128, 0)), [0, 1], 'found by the null subcarrier');
  t.end();
});

void t.test('C5 and C6: subcarriers by the number of pairs, gain, and what the line does not say', (t) => {
  const cases: [pairs: number, first: number, last: number, bandwidth: number][] = [
    [53, -26, 26, 20e6],
    [57, -28, 28, 20e6],
    [117, -58, 58, 40e6],
    [245, -122, 122, 20e6],
  ];
  for (const [pairs, first, last, bandwidth] of cases) {
    const frame = decode(bytes(newerLine(numbered(pairs)))).frames[0]!;
    t.strictSame([...frame.subcarriers], range(first, last), `${pairs} pairs`);
    t.strictSame(origin(frame.csi).length, pairs);
    t.equal(frame.bandwidth, bandwidth);
    t.equal(frame.frequency, bandwidth === 20e6 ? 2462e6 : undefined, 'channel 11, or on an unknown side of it');
    t.equal(frame.gain, 4 + 32 / 4);
  }
  t.equal(decode(bytes(newerLine(numbered(57), { fftGain: 252 }))).frames[0]!.gain, 3, 'fft_gain printed without sign');
  t.equal(decode(bytes(newerLine(numbered(57), { channel: 36 }))).frames[0]!.frequency, 5180e6);
  const twice = decode(bytes(newerLine(numbered(114)))).frames[0]!;
  t.equal(twice.transmitters, 2);
  t.strictSame([...twice.subcarriers], range(-28, 28));
  // 12 bits a part: esp-idf issue 18982 gives the subcarriers as −26 : 2 : 26, 26 of them.
  const fine = decode(bytes(newerLine(Array.from({ length: 52 }, (_, i) => 70 * i - 1800)))).frames[0]!;
  t.strictSame([...fine.subcarriers], range(-13, 13).filter((k) => k !== 0).map((k) => 2 * k)); // prettier-ignore
  t.strictSame([...fine.csi.subarray(0, 2)], [-1730, -1800], 'real part second on the line, first in the frame');
  t.end();
});

void t.test('a C6 that pads: order and number of fields are seen from the guard bands', (t) => {
  const used = (indices: number[], isUsed: (k: number) => boolean) => indices.flatMap((k) => (isUsed(k) ? [k + 60, 9] : [0, 0])); // prettier-ignore
  const ht20 = (k: number) => k !== 0 && Math.abs(k) <= 28;
  const ht40 = (k: number) => Math.abs(k) >= 2 && Math.abs(k) <= 58;
  const he20 = (k: number) => Math.abs(k) >= 2 && Math.abs(k) <= 122;
  const cases: [values: number[], half: number, streams: number, bandwidth: number, isUsed: (k: number) => boolean][] =
    [
      [used(range(-32, 31), ht20), 32, 1, 20e6, ht20],
      [used(natural, ht20), 32, 1, 20e6, ht20],
      [used(range(-64, 63), ht40), 64, 1, 40e6, ht40],
      [used(natural40, ht40), 64, 1, 40e6, ht40],
      [used([...range(-32, 31), ...range(-32, 31)], ht20), 32, 2, 20e6, ht20],
      [used([...range(-64, 63), ...range(-64, 63)], ht40), 64, 2, 40e6, ht40],
      [used(range(-128, 127), he20).map((v) => Math.min(127, v)), 128, 1, 20e6, he20],
    ];
  cases.forEach(([values, half, streams, bandwidth, isUsed], i) => {
    const frame = decode(bytes(newerLine(values))).frames[0]!;
    t.strictSame([...frame.subcarriers], range(-half, half - 1), `case ${i}`);
    t.equal(frame.transmitters, streams);
    t.equal(frame.bandwidth, bandwidth);
    const length = frame.subcarriers.length;
    for (let stream = 0; stream < streams; stream++)
      frame.subcarriers.forEach((k, j) => {
        const imaginary = frame.csi[2 * (stream * length + j) + 1]!;
        if (imaginary !== (isUsed(k) ? Math.min(127, k + 60) : 0)) t.fail(`case ${i}, subcarrier ${k}: ${imaginary}`);
      });
  });
  t.end();
});

void t.test('times run on over the wrap of 32 bits, printed with a sign or without', (t) => {
  const times = [2 ** 31 - 500, -(2 ** 31) + 500, -1000, 1000, 2000];
  const lines = times.map((timestamp) => classicLine(numbered(128), { timestamp })).join('');
  const { frames } = decode(bytes(lines));
  const steps = frames.slice(1).map((frame, i) => Math.round((frame.deviceTime! - frames[i]!.deviceTime!) * 1e6));
  t.strictSame(steps, [1000, 2 ** 31 - 1500, 2000, 1000]);
  t.end();
});

void t.test('numbers that the transmitter counts: missing ones are lost', (t) => {
  const line = (id: number, mac?: string) => classicLine(numbered(128), { id, ...(mac === undefined ? {} : { mac }) });
  const { frames, counters } = decode(bytes(line(7) + line(8) + line(11) + line(90, '1a:00:00:00:00:01') + line(3)));
  t.equal(frames.length, 5);
  t.equal(frames[2]!.sequence, 11);
  t.equal(counters.failures['lostPackets'], 2);
  t.end();
});

void t.test('log lines between, lines run together, cut lines', (t) => {
  const good = classicLine(numbered(128));
  const log = 'I (343) wifi_init: WiFi RX IRAM OP enabled\r\n';
  const { frames, counters } = decode(bytes(log + good + 'W (9) x: ' + good + good.slice(0, 300) + good + log));
  t.equal(frames.length, 3);
  t.equal(counters.skippedBytes, 2 * log.length + 9 + 300);
  t.strictSame(counters.failures, noFailures);

  const failed = (line: string) => {
    const { frames, counters } = decode(bytes(line + good));
    t.equal(frames.length, 1, 'the next line is whole');
    return Object.entries(counters.failures).filter(([, count]) => count > 0).map(([name]) => name); // prettier-ignore
  };
  t.strictSame(failed(good.slice(0, 300) + '\n'), ['malformed'], 'cut in the values');
  t.strictSame(failed(good.slice(0, 40) + '\n'), ['malformed'], 'cut in the columns');
  t.strictSame(failed(good.replace('1,0,2,0,3', '1,0,x,0,3')), ['malformed'], 'no number');
  t.strictSame(failed(good.replace('[0,0,', '[0,')), ['wrongLength']);
  t.strictSame(failed(good.replace('CSI_DATA,5,', 'CSI_DATA,')), ['unknownColumns']);
  t.strictSame(failed(good.replace('1a:', '1g:')), ['malformed']);
  t.strictSame(failed('CSI_DATA,' + '1'.repeat(20000) + '\n'), ['tooLong']);
  t.end();
});

void t.test('what looks like it', (t) => {
  t.ok(esp32Csi.recognises!(bytes('rst:0x1\r\n' + classicLine([1, 2]))));
  t.notOk(esp32Csi.recognises!(bytes('I (343) wifi_init: CSI_DATA\r\n')));
  t.notOk(esp32Csi.recognises!(new Uint8Array(100)));
  t.equal(esp32Csi.nominalRate(defaults), 100);
  t.notOk(esp32Csi.settings.safeParse({ trainingField: 'ht' }).success);
  t.end();
});

void t.test('properties of every decoder', (t) => {
  const lines = Array.from({ length: 12 }, (_, i) =>
    i % 3 === 0
      ? toolLine(numbered(64), 384)
      : i % 3 === 1
        ? newerLine(numbered(57), { timestamp: 1000 * i })
        : classicLine(numbered(128), { timestamp: 1000 * i }),
  ).map(bytes);
  const make = () => esp32Csi.decoder(defaults);
  choppingChangesNothing(make, Uint8Array.from(Buffer.concat([bytes('I (1) boot\r\n'), ...lines, bytes('CSI_DA')])));
  damageStaysLocal(make, lines.map((line) => [line]), 'stream'); // prettier-ignore
  randomBytesDoNoHarm(make, lines);
  t.pass();
  t.end();
});

/** The subcarriers on which any of the frames has power. */
function carriersOf(frames: readonly WifiFrame[]): number[] {
  const { subcarriers } = frames[0]!;
  const power = new Float64Array(subcarriers.length);
  for (const { csi } of frames) power.forEach((_, i) => (power[i]! += csi[2 * i]! ** 2 + csi[2 * i + 1]! ** 2));
  return [...subcarriers].filter((_, i) => power[i]! > 0);
}

// Counts and sums by a few lines of Python over the columns of the files, imaginary part first (see the guide): good lines,
// Σ |csi|² without the first word, first and last local_timestamp, mean rssi. CSIKit d2705ab reads the first file to the same
// 60 frames, with real and imaginary part exchanged, and stops at the line of the second one that lost a value.
const captures = [
  { file: 'example_data.csv', lines: 60, damaged: 0, power: 1495192, from: 2504852, to: 15039322, rssi: -77.91667 },
  { file: 'example_100hz_pitraffic.csv', lines: 833, damaged: 1, power: 20929307, from: 7313, to: 13142613, rssi: -56.21369 },
  { file: 'example_fast_100hz_pitraffic.csv', lines: 1089, damaged: 0, power: 27365153, from: 11412, to: 10935564, rssi: -52.47016 },
]; // prettier-ignore

void t.test('captures of an ESP32 with ESP32-CSI-Tool', { skip }, (t) => {
  for (const { file, lines, damaged, power, from, to, rssi } of captures) {
    const stream = recording('captures', 'esp32', file);
    t.ok(esp32Csi.recognises!(stream), `${file}: recognised`);
    const { frames, counters } = decode(stream);
    t.equal(frames.length, lines, `${file}: frames`);
    t.strictSame(counters.failures, { ...noFailures, wrongLength: damaged });
    let sum = 0;
    for (const { csi } of frames) for (const part of csi) sum += part * part;
    t.equal(sum, power, `${file}: power`);
    t.equal(frames[0]!.deviceTime, from / 1e6);
    t.equal(frames.at(-1)!.deviceTime, to / 1e6);
    t.ok(Math.abs(frames.reduce((mean, frame) => mean + frame.rssi![0]!, 0) / lines - rssi) < 1e-4);
    // IEEE 802.11-2020, 17.3.5.10: the legacy field has 52 subcarriers, −26 … 26 without 0. The first word took 1.
    t.strictSame(carriersOf(frames), [...range(-26, -1), ...range(2, 26)], `${file}: subcarriers with power`);
  }
  t.end();
});

void t.test('recorded values of S3, C3, C5 and C6: 56 subcarriers carry HT 20 MHz', { skip }, (t) => {
  // IEEE 802.11-2020, 19.3.9.4.6: −28 … 28 without 0. Where an order is wrong, the silence is elsewhere.
  for (const name of ['c3_64sc_20260329_130303', 'c5_64sc_20260329_124440', 'c6_64sc_20260310_230414', 's3_64sc_20260117_222606']) {
    const values = new Int8Array(recording('esp32-motion', `baseline_${name}.i8`).buffer);
    const newer = name.startsWith('c5') || name.startsWith('c6');
    const lines = Array.from({ length: values.length / 128 }, (_, i) => {
      const packet = [...values.subarray(128 * i, 128 * (i + 1))];
      return newer ? newerLine(packet) : classicLine(packet);
    });
    const { frames } = decode(bytes(lines.join('')));
    t.equal(frames.length, lines.length, name);
    t.strictSame(carriersOf(frames), [...range(-28, -1), ...range(1, 28)], `${name}: subcarriers with power`);
  }
  t.end();
}); // prettier-ignore
