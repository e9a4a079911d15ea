import t from 'tap';
import type { ImuFrame } from '../../../drivers/frames.js';
import { xsensMti } from '../../../drivers/imu/xsens-mti.js';
import { choppingChangesNothing, damageStaysLocal, randomBytesDoNoHarm } from '../properties.js';
import { item, message, sample } from './xsens-encoder.js';

const degree = Math.PI / 180;
const make = () => xsensMti.decoder(xsensMti.settings.parse({}));
const hex = (text: string) => Uint8Array.from(Buffer.from(text.replace(/\s/g, ''), 'hex'));
const join = (...parts: Uint8Array[]) => Uint8Array.from(Buffer.concat(parts));

function near(t: Pick<typeof import('tap').default, 'ok'>, values: Float32Array | undefined, expected: number[]) {
  const error = expected.reduce((most, value, i) => Math.max(most, Math.abs(values![i]! - value)), 0);
  t.ok(values?.length === expected.length && error < 2e-6, `${expected.join(' ')}: off by ${error}`);
}

/**
 * One message of each number format from an MTi-G-710, recorded on 2019-01-20, with the numbers that another open-source
 * decoder, einride/xsens-go, gives for it. Messages and numbers: its testdata/1 to 4, © 2020 Einride AB, MIT licence.
 */
const recorded = [
  {
    format: 'float32',
    bytes:
      'faff3671102002a9871060040314edb710100c07dca26007e301140d2f1837e020040000000520300cc2c6ec743e083f53c33330cb40200c' +
      '3ce7e9cbc11a8e2fbfd04d0c40100c39931323bdc5d49bbc8552c480200c3ab21f42bb513ab9bb51e94c8030103f80000136e3ff0cb785e8' +
      '22b78657df19',
    ticks: 51703223,
    angle: [-99.4618225097656, 0.13305406272411, -179.1905975341797],
    acceleration: [0.028309723362326622, -9.65971279144287, -1.6273512840270996],
    angularRate: [0.0013589637819677591, -0.00319258705712855, -0.0032029924914240837],
  },
  {
    format: 'fp12.20',
    bytes:
      'faff366e102002a9eb1060040315193e10100c0eacb6c007e301140d2f1937e010010520310cf9c3c608fffc292d0b29f11040210c0000bb' +
      '67ff6501f0ffe5f28740110c000001dcfffe7339ffffbd4f80210cfffffee2fffff30fffffed468031100010000100000000fffffff0ffff' +
      'ffe9db',
    ticks: 51714366,
    angle: [-99.76415252685547, -0.23994731903076172, 178.62135314941406],
    acceleration: [0.0457525253295898, -9.68702697753906, -1.62828922271729],
    angularRate: [-0.000272750854492188, -0.00315952301025391, -0.00457191467285156],
  },
  {
    format: 'fp16.32',
    bytes:
      'faff368e102002aa4f106004031544d210100c1590a14007e301140d2f1a37e01001052032127ad50000ff9ca4683180ffffdfa7000000b1' +
      '402212070d5ee8000052873000fff659cc8000fffe4012120011f7e60000e739adc0fffffbc72050ffff80221200288d690000ff6c6b02ff' +
      'ffff8ea4dbffff803218000000010001000033e80000ffff4318ffffffff6ee8ffff3f',
    ticks: 51725522,
    angle: [-99.52018737792969, -0.3577851355075836, 177.87364196777344],
    acceleration: [0.027547771111130714, -9.677624702453613, -1.6492233276367188],
    angularRate: [0.0006187802646309137, -0.002251922618597746, -0.0017296758014708757],
  },
  {
    format: 'float64',
    bytes:
      'faff36ae102002aab31060040315705610100c1c5c21c007e301140d2f1b37e0100105203318c058dfcba0000000bfa118abe00000004066' +
      '79c9a00000004023183f9a8e0600000000c0235d70e0000000bffa6725400000004013183f30e95d20000000bfb8c988c0000000bf90e5a0' +
      '60000000802318bf4d16dd80000000bf58f1ed40000001bf59ce41800000008033203ff0000000000001bed29dfe60000000bedfedfc8000' +
      '0000bee084010000000015',
    ticks: 51736662,
    angle: [-99.4968032836914, -0.033391352742910385, 179.8058624267578],
    acceleration: [0.025932401418685913, -9.682501792907715, -1.6501820087432861],
    angularRate: [-0.0008877355139702559, -0.0015225235838443043, -0.0015750541351735592],
  },
];

for (const { format, bytes, ticks, ...expected } of recorded) {
  void t.test(`a recorded message in ${format} gives the numbers of another decoder`, (t) => {
    const decoder = make();
    const [frame] = decoder.push(hex(bytes), 7);
    t.ok(frame, 'one frame');
    t.equal(frame!.arrivalTime, 7);
    t.equal(frame!.deviceTime, ticks / 10_000);
    near(t, frame!.acceleration, expected.acceleration);
    near(t, frame!.angularRate, expected.angularRate);
    near(
      t,
      frame!.angle,
      expected.angle.map((angle) => angle * degree),
    );
    t.notOk('quaternion' in frame!, 'not sent');
    t.equal(decoder.counters.skippedBytes, 0);

    // Physics: at rest the specific force points up, so roll and pitch say where it lies in the sensor's axes.
    const [roll, pitch] = frame!.angle! as unknown as [number, number];
    const up = [-Math.sin(pitch), Math.cos(pitch) * Math.sin(roll), Math.cos(pitch) * Math.cos(roll)];
    const length = Math.hypot(...frame!.acceleration);
    t.ok(Math.abs(length - 9.81) < 0.05, `${length} m/s² at rest`);
    const cosine = up.reduce((sum, u, i) => sum + u * (frame!.acceleration[i]! / length), 0);
    t.ok(cosine > Math.cos(1 * degree), `${Math.acos(cosine) / degree}° between the measured and the expected up`);
    t.end();
  });
}

void t.test("a message of an MTi-300 gives the numbers that the maker's MT Manager shows", (t) => {
  const data = hex(`
    10 20 02 A6 55  10 60 04 00 57 47 2E  20 10 10 3F 7F 7D C4 BC 10 10 7D 3B A1 57 70 BD 7E C6 56
    40 20 0C BD A2 1A F8 BE 2A 8E 96 41 1D 27 A2  40 10 0C B9 4F C8 00 B9 DA 24 00 3C C9 28 80
    40 30 0C 3C 02 C8 9C 3C 35 F6 C8 3C DB 0C 00  80 20 0C BB B1 7D 81 BB 96 32 00 3C 01 E8 41
    80 30 10 3F 80 00 00 B6 E3 30 01 B6 C0 40 00 37 26 48 00  C0 20 0C BE 99 9C 24 3F B6 1B 56 3F 16 6A EB
    30 10 04 00 01 86 DE  E0 20 04 00 40 00 03`);
  const [frame] = make().push(message(0x36, data), 0);
  t.equal(frame!.deviceTime, 571.9854);
  near(t, frame!.quaternion, [0.99801278, -0.00879299, 0.00492375, -0.06220087]);
  near(t, frame!.acceleration, [-0.079153, -0.16655955, 9.82217598]);
  near(t, frame!.angularRate, [-0.00541657, -0.0045836, 0.00792891]);
  t.end();
});

void t.test('missing packets are counted; a restart is none', (t) => {
  const decoder = make();
  for (const k of [65534, 65535, 0, 1, 4, 5, 2]) decoder.push(sample(k), 0);
  t.equal(decoder.counters.failures['lostPackets'], 2, '2 and 3; the step back from 5 to 2 is a restart');
  t.equal(decoder.counters.frames, 7);
  t.end();
});

void t.test("the sample time runs on over its counter's end", (t) => {
  const decoder = make();
  const times = [0xffff_ffc0, 0x24].map((ticks, k) => decoder.push(sample(k, ticks), 0)[0]!.deviceTime!);
  t.ok(Math.abs(times[1]! - times[0]! - 0.01) < 1e-9, `${times[1]! - times[0]!} s later`);
  t.end();
});

void t.test('extended length, other messages, and messages without motion', (t) => {
  const decoder = make();
  const padding = Array.from({ length: 10 }, () => item(0xc020, [1, 2, 3]));
  const long = message(
    0x36,
    join(
      ...padding,
      item(0x2020, [1, 0, 0, 0, 1, 0, 0, 0, 1]),
      item(0x4020, [1, 2, 3]),
      item(0x8020, [4, 5, 6]),
      ...padding.slice(0, 4),
    ),
  );
  t.equal(long[3], 0xff, 'a long message');
  const frames = [
    message(0x3e, new Uint8Array(0)), // WakeUp
    long,
    message(0x36, item(0x4020, [1, 2, 3])),
    message(0x36, item(0x2010, [1, 0, 0, 0])),
    message(0x36, join(item(0x4020, [NaN, 2, 3]), item(0x8020, [1, 2, 3]))),
    sample(1),
  ].flatMap((bytes) => decoder.push(bytes, 0));
  t.strictSame(
    frames.map(({ acceleration }) => [...acceleration]),
    [
      [1, 2, 3],
      [1, -1, 9.8125],
    ],
  );
  t.equal(decoder.counters.skippedBytes, 0);
  t.match(decoder.counters.failures, { incomplete: 1, notInertial: 1, notFinite: 1, badChecksum: 0, badLayout: 0 });
  t.end();
});

void t.test('damage is counted by its kind, and the next message is found', (t) => {
  const number = (frame: ImuFrame) => frame.acceleration[0];
  for (const [at, kind] of [
    [3, 'badLayout'], // the length
    [6, 'badLayout'], // an item's size
    [50, 'badChecksum'],
  ] as const) {
    const bytes = join(sample(1), sample(2), sample(3));
    bytes[sample(1).length + at]! ^= 0x10;
    const decoder = make();
    t.strictSame(decoder.push(bytes, 0).map(number), [1, 3], `byte ${at}`);
    t.equal(decoder.counters.failures[kind], 1, kind);
    t.equal(decoder.counters.skippedBytes, sample(2).length);
  }
  t.end();
});

void t.test('a damaged time whose checksum is right moves no other', (t) => {
  const units = Array.from({ length: 4 }, (_, k) => sample(k));
  const harmed = units.map((bytes) => bytes.slice());
  // The packet counter's and the time's highest bytes: together 256 more.
  harmed[1]![7] = 6;
  harmed[1]![12] = 250;
  const times = (all: Uint8Array[]) => make().push(join(...all), 0).map(({ deviceTime }) => deviceTime); // prettier-ignore
  const [whole, found] = [times(units), times(harmed)];
  t.equal(found.length, 4, 'the checksum is right');
  t.strictSame(found.toSpliced(1, 1), whole.toSpliced(1, 1));
  t.end();
});

void t.test('what every driver holds to', (t) => {
  const units = Array.from({ length: 12 }, (_, k) => sample(k));
  choppingChangesNothing(
    make,
    join(...units, Uint8Array.of(0xfa, 0xff, 0x36, 0x40, 1), ...recorded.map(({ bytes }) => hex(bytes))),
  );
  damageStaysLocal(
    make,
    units.map((unit) => [unit]),
    'stream',
  );
  randomBytesDoNoHarm(make, [sample(1), message(0x36, new Uint8Array(300))]);
  t.pass();
  t.end();
});

void t.test('a stream of this device is recognised, from its midst too; others are not', (t) => {
  t.ok(xsensMti.recognises!(join(sample(1).subarray(20), sample(2), sample(3))));
  t.notOk(xsensMti.recognises!(hex('55 51 00 00 00 00 00 08 C4 09 7B 55 52 00 10 00 F0 00 00 C4 09 74')));
  t.notOk(xsensMti.recognises!(new Uint8Array(0)));
  t.end();
});
