import t from 'tap';
import { depthZmq } from '../../drivers/depth/depth-zmq.js';
import { skeletonZmq } from '../../drivers/depth/skeleton-zmq.js';
import { encodeParts } from '../../drivers/transports/zmq.js';
import { encodeDepth, encodeSkeleton } from '../../room/camera-messages.js';

void t.test('a depth message, byte by byte, and what the driver makes of it', (t) => {
  const depth = Uint16Array.of(0, 1, 256, 65535, 2810, 7);
  const parts = encodeDepth(depth, 3, 2, { time: 1.5, frame: 7 });
  // The example of drivers/depth/message.ts, with these numbers.
  t.strictSame(JSON.parse(Buffer.from(parts[0]!).toString()), {
    version: 1,
    kind: 'depth',
    width: 3,
    height: 2,
    encoding: 'z16',
    metresPerStep: 0.001,
    time: 1.5,
    frame: 7,
  });
  t.equal(Buffer.from(parts[1]!).toString('hex'), '000001000001fffffa0a0700');
  t.strictSame(depthZmq.decoder(depthZmq.settings.parse({})).push(encodeParts(parts), 3), [
    { kind: 'depth', arrivalTime: 3, deviceTime: 1.5, width: 3, height: 2, depth, metresPerStep: 0.001 },
  ]);
  t.end();
});

void t.test('a skeleton message, part of a larger array', (t) => {
  const all = Float32Array.from({ length: 120 }, (_, i) => i / 7);
  const parts = encodeSkeleton(all.subarray(60), 'kinect-v1', { time: 2, frame: 0 });
  t.equal(Buffer.from(parts[1]!).readFloatLE(4), Math.fround(61 / 7));
  t.strictSame(skeletonZmq.decoder(skeletonZmq.settings.parse({})).push(encodeParts(parts), 3), [
    { kind: 'skeleton', arrivalTime: 3, deviceTime: 2, people: 1, layout: 'kinect-v1', joints: all.slice(60) },
  ]);
  // The driver refuses other numbers of joints in this layout, so that the header is right, too.
  t.strictSame(JSON.parse(Buffer.from(parts[0]!).toString()), {
    version: 1,
    kind: 'skeleton',
    layout: 'kinect-v1',
    people: 1,
    joints: 20,
    time: 2,
    frame: 0,
  });
  t.end();
});
