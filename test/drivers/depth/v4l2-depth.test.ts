import t from 'tap';
import { v4l2Depth, type V4l2DepthSettings } from '../../../drivers/depth/v4l2-depth.js';
import { choppingChangesNothing, damageStaysLocal, randomBytesDoNoHarm } from '../properties.js';
import { written } from './v4l2-encoder.js';

const settings = (given: Partial<V4l2DepthSettings> = {}) =>
  v4l2Depth.settings.parse({ width: 8, height: 4, ...given });
const make = (given: Partial<V4l2DepthSettings> = {}) => v4l2Depth.decoder(settings(given));
const join = (...parts: Uint8Array[]) => Uint8Array.from(Buffer.concat(parts));

const picture = (k: number) => Uint16Array.from({ length: 32 }, (_, i) => 1000 * k + i);

void t.test('pictures, with rows padded or not', (t) => {
  for (const padding of [0, 2, 48]) {
    const decoder = make({ metresPerStep: 0.0005, bytesPerLine: 16 + padding });
    const frames = decoder.push(join(written(picture(1), padding), written(picture(65), padding)), 9);
    t.strictSame(
      frames,
      [1, 65].map((k) => ({
        kind: 'depth',
        arrivalTime: 9,
        width: 8,
        height: 4,
        depth: picture(k),
        metresPerStep: 0.0005,
      })),
      `${padding} bytes of padding`,
    );
    t.strictSame(decoder.counters, {
      frames: 2,
      bytes: 2 * (72 + 4 * padding),
      skippedBytes: 0,
      failures: { wrongSize: 0, truncated: 0 },
    });
  }
  t.end();
});

void t.test('a picture that lost bytes is left out, and the next one is found', (t) => {
  const whole = join(...[1, 2, 3].map((k) => written(picture(k))));
  for (let lost = 1; lost < 64; lost++) {
    const decoder = make();
    const frames = decoder.push(join(whole.subarray(0, 90), whole.subarray(90 + Math.min(lost, 54))), 0);
    t.strictSame(
      frames.map(({ depth }) => depth[0]),
      [1000, 3000],
      `${lost} bytes lost`,
    );
    t.equal(decoder.counters.failures['truncated'], 1);
  }
  t.end();
});

void t.test('a picture that ends as a header begins is none the less a picture', (t) => {
  const tail = (bytes: number[]) => {
    const depth = picture(9);
    new Uint8Array(depth.buffer).set(bytes, 64 - bytes.length);
    return written(depth);
  };
  const header = [0x72, 0x64, 0x68, 0x56, 0, 0, 0];
  for (let length = 1; length <= header.length; length++) {
    const decoder = make();
    const first = decoder.push(tail(header.slice(0, length)), 5);
    t.equal(first.length, 0, 'it may be cut short');
    const frames = decoder.push(written(picture(2)), 6);
    t.match(frames, [{ arrivalTime: 5 }, { arrivalTime: 6, depth: picture(2) }], `${length} bytes`);
    t.match(decoder.counters, { skippedBytes: 0, failures: { truncated: 0 } });
  }
  t.end();
});

void t.test('pictures of another size are refused and counted', (t) => {
  const decoder = make({ height: 5 });
  t.equal(decoder.push(join(written(picture(1)), written(picture(2))), 0).length, 0);
  t.match(decoder.counters, { skippedBytes: 144, failures: { wrongSize: 2 } });
  const huge = written(picture(1));
  huge.set([0xff, 0xff, 0xff, 0xff], 4);
  const other = make();
  t.equal(other.push(join(huge, written(picture(2))), 0).length, 1, 'a length without sense takes no memory');
  t.equal(other.counters.failures['wrongSize'], 1);
  t.end();
});

void t.test('what every driver holds to', (t) => {
  const units = Array.from({ length: 12 }, (_, k) => [written(picture(k))]);
  const noise = Uint8Array.of(0x72, 0x72, 0x64, 0x68, 0x72, 0x64, 0x68, 0x56, 0, 0, 0);
  choppingChangesNothing(
    make,
    join(...units.flat(), noise, ...units.flat(), written(picture(3)).subarray(0, 30), ...units.flat()),
  );
  damageStaysLocal(make, units, 'stream');
  randomBytesDoNoHarm(make, [join(written(picture(1)), written(picture(2)))]);
  t.pass();
  t.end();
});

void t.test('settings and recognition', (t) => {
  t.strictSame(v4l2Depth.settings.parse({}), { width: 640, height: 480, metresPerStep: 0.001, rate: 30 });
  t.ok(v4l2Depth.recognises!(written(picture(1))));
  t.notOk(v4l2Depth.recognises!(Uint8Array.of(0x72, 0x64, 0x68)));
  t.notOk(v4l2Depth.recognises!(new Uint8Array(100)));
  t.end();
});

void t.test('without their headers, large pictures are none, and the next ones are found', (t) => {
  const decoder = make({ width: 640, height: 480 });
  const bytes = written(new Uint16Array(640 * 480).fill(1500), 0, 480);
  const push = (piece: Uint8Array) => {
    for (let at = 0; at < piece.length; at += 65536) decoder.push(piece.subarray(at, at + 65536), 0);
    return decoder.counters.frames;
  };
  t.equal(push(bytes), 1);
  t.equal(push(bytes.subarray(8)), 1);
  t.equal(decoder.counters.skippedBytes, 2 * 640 * 480);
  t.equal(push(bytes), 2);
  t.end();
});
