import t from 'tap';
import { bno08xRvc, type BnoRvcSettings } from '../../../drivers/imu/bno08x-rvc.js';
import { choppingChangesNothing, damageStaysLocal, randomBytesDoNoHarm } from '../properties.js';
import { report } from './bno08x-encoder.js';

const degree = Math.PI / 180;
const make = (settings: Partial<BnoRvcSettings> = {}) => bno08xRvc.decoder(bno08xRvc.settings.parse(settings));
const hex = (text: string) => Uint8Array.from(Buffer.from(text.replace(/\s/g, ''), 'hex'));
const join = (...parts: Uint8Array[]) => Uint8Array.from(Buffer.concat(parts));

function near(
  t: Pick<typeof import('tap').default, 'ok'>,
  values: Float32Array | undefined,
  expected: readonly number[],
  limit: number,
) {
  const error = expected.reduce((most, value, i) => Math.max(most, Math.abs(values![i]! - value)), 0);
  t.ok(values?.length === expected.length && error < limit, `${[...values!].join(' ')}: off by ${error}`);
}

// BNO080/85/86 data sheet 1000-3927, section 1.3.5.2: 'An example complete message'.
const example = hex('AA AA DE 01 00 92 FF 25 08 8D FE EC FF D1 03 00 00 00 E7');

void t.test("the data sheet's example", (t) => {
  const next = example.slice();
  next[2]!++;
  next[18]!++;
  const decoder = make();
  const frames = decoder.push(join(example, next), 4);
  t.equal(frames.length, 1, 'the first report has none before it to tell the rate');
  near(t, frames[0]!.acceleration, [-3.638, -0.196, 9.581], 5e-4); // the data sheet's numbers
  near(t, frames[0]!.angularRate, [0, 0, 0], 1e-9);
  t.equal(frames[0]!.arrivalTime, 4);
  t.notOk('deviceTime' in frames[0]!, 'it has no clock');

  // Physics: the orientation must say that up is where the acceleration of the resting sensor points.
  const up = (quaternion: Float32Array) => {
    const [w, x, y, z] = quaternion as unknown as [number, number, number, number];
    return [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)];
  };
  const measured = frames[0]!.acceleration;
  const angle = (quaternion: Float32Array) =>
    Math.acos(up(quaternion).reduce((sum, u, i) => sum + (u * measured[i]!) / Math.hypot(...measured), 0)) / degree;
  t.ok(angle(frames[0]!.quaternion!) < 0.2, `${angle(frames[0]!.quaternion!)}°`);
  const asWritten = make({ pitchAxis: 'y' });
  const [other] = asWritten.push(join(example, next), 0);
  t.ok(angle(other!.quaternion!) > 20, 'with pitch about Y it would not');
  t.strictSame(
    [decoder, asWritten].map(({ counters }) => counters.failures['tiltDisagrees']),
    [0, 2],
  );
  t.end();
});

void t.test('turning about one axis gives the rate about that axis, through every wrap', (t) => {
  // 1.8° a report = 180 °/s.
  const turns: [name: string, angles: (i: number) => number[], expected: number[]][] = [
    ['yaw about z', (i) => [1.8 * i, 0, 0], [0, 0, Math.PI]],
    ['roll about y', (i) => [0, 0, -1.8 * i], [0, -Math.PI, 0]],
    ['yaw of a sensor on its side', (i) => [1.8 * i, 90, 0], [0, Math.PI, 0]],
    ['pitch about x', (i) => [30, 0.45 * (i % 200), 0], [Math.PI / 4, 0, 0]],
  ];
  for (const [name, angles, expected] of turns) {
    const frames = make().push(join(...Array.from({ length: 200 }, (_, i) => report(i, angles(i)))), 0);
    t.equal(frames.length, 199);
    for (const frame of frames) near(t, frame.angularRate, expected, 0.02);
    t.comment(name);
  }
  t.end();
});

void t.test('a tumbling sensor: the derived rate is that of the motion, to within the steps of the angles', (t) => {
  // ω is constant in the sensor's axes; the orientation is integrated here by small rotations, with matrices.
  const omega = [1.5, -2, 0.8];
  const steps = 100;
  type Matrix = number[][];
  const product = (a: Matrix, b: Matrix) =>
    a.map((row) => [0, 1, 2].map((j) => row.reduce((s, v, k) => s + v * b[k]![j]!, 0)));
  const size = Math.hypot(...omega);
  const [x, y, z] = omega.map((w) => w / size) as [number, number, number];
  const [c, s] = [Math.cos((size * 0.01) / steps), Math.sin((size * 0.01) / steps)];
  const small: Matrix = [
    [c + x * x * (1 - c), x * y * (1 - c) - z * s, x * z * (1 - c) + y * s],
    [y * x * (1 - c) + z * s, c + y * y * (1 - c), y * z * (1 - c) - x * s],
    [z * x * (1 - c) - y * s, z * y * (1 - c) + x * s, c + z * z * (1 - c)],
  ];
  let r: Matrix = [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ];
  const reports = Array.from({ length: 300 }, (_, i) => {
    // Z-X-Y angles of a rotation matrix: r = Rz(yaw) · Rx(pitch) · Ry(roll).
    const angles = [Math.atan2(-r[0]![1]!, r[1]![1]!), Math.asin(r[2]![1]!), Math.atan2(-r[2]![0]!, r[2]![2]!)];
    const bytes = report(
      i,
      angles.map((angle) => angle / degree),
      r[2],
    );
    for (let k = 0; k < steps; k++) r = product(r, small);
    return bytes;
  });
  const decoder = make();
  const frames = decoder.push(join(...reports), 0);
  t.equal(frames.length, 299);
  // Each angle is off by 0.005° at most, so a difference of two by 0.01°, of three angles by 0.03°: 3 °/s.
  const errors = frames.map(({ angularRate }) => Math.max(...omega.map((w, i) => Math.abs(angularRate[i]! - w))));
  t.ok(Math.max(...errors) < 3 * degree, `largest error ${Math.max(...errors) / degree} °/s`);
  const mean = omega.map((_, i) => frames.reduce((sum, { angularRate }) => sum + angularRate[i]!, 0) / frames.length);
  near(t, Float32Array.from(mean), omega, 0.002);
  t.equal(decoder.counters.failures['tiltDisagrees'], 0);
  t.end();
});

void t.test('no rate is made up over lost reports', (t) => {
  const decoder = make();
  const indices = [253, 254, 255, 0, 1, 5, 6, 9];
  const frames = indices.map((i) => decoder.push(report(i, [2 * i, 0, 0]), 0).length);
  t.strictSame(frames, [0, 1, 1, 1, 1, 0, 1, 0]);
  t.equal(decoder.counters.failures['lostPackets'], 5);
  t.end();
});

void t.test('what every driver holds to', (t) => {
  const one = (i: number) => report(i, [3 * i, i, -i], [i / 100, 0.1, 1]);
  const stream = join(...Array.from({ length: 30 }, (_, i) => one(i)));
  choppingChangesNothing(make, join(stream, Uint8Array.of(1, 0xaa, 0xaa, 3), stream, Uint8Array.of(0xaa)));
  // A unit is two reports, for a report alone gives no frame; the first of each follows on a gap.
  const units = Array.from({ length: 12 }, (_, i) => [join(one(4 * i), one(4 * i + 1))]);
  damageStaysLocal(make, units, 'stream');
  randomBytesDoNoHarm(make, [join(one(1), one(2))]);
  t.pass();
  t.end();
});

void t.test('a bad checksum costs the report, and bytes that look like a header hide nothing', (t) => {
  const bytes = join(...[0, 1, 2, 3, 4].map((i) => report(i, [0, 0, 0])));
  bytes[2 * 19 + 5]! ^= 4;
  const decoder = make();
  t.equal(decoder.push(bytes, 0).length, 2, '0 → 1 and 3 → 4');
  t.equal(decoder.counters.failures['badChecksum'], 1);
  t.equal(decoder.counters.skippedBytes, 19);
  const tricky = [0xaa, 0xab, 0xac].map((i) => report(i, [-218.46, -218.46, -218.46])); // 0xaaaa = −21846 steps
  for (let cut = 1; cut < 19; cut++)
    t.ok(make().push(join(tricky[0]!.subarray(cut), tricky[1]!, tricky[2]!), 0).length >= 1, `from byte ${cut}`);
  t.end();
});

void t.test('recognised, from the midst of a report too', (t) => {
  t.ok(bno08xRvc.recognises!(join(example.subarray(5), report(1, [0, 0, 0]), report(2, [0, 0, 0]))));
  t.notOk(bno08xRvc.recognises!(new Uint8Array(100).fill(0xaa)));
  t.notOk(bno08xRvc.recognises!(hex('55 51 00 00 00 00 00 08 C4 09 7B')));
  t.end();
});
