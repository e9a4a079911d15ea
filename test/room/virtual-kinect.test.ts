/** The virtual camera's messages, through the real drivers and pipelines. */
import t from 'tap';
import { virtualDepthChunks, virtualSkeletonChunks } from '../../daemon/virtual-feed.js';
import { depthZmq } from '../../drivers/depth/depth-zmq.js';
import { skeletonZmq } from '../../drivers/depth/skeleton-zmq.js';
import { encodeParts } from '../../drivers/transports/zmq.js';
import { createDepthFeatures } from '../../pipelines/depth/features.js';
import { createSkeletonFeatures } from '../../pipelines/skeleton/features.js';
import { bodyJoints } from '../../room/body.js';
import { focalLength } from '../../room/depth-picture.js';
import type { PlayedChunk } from '../../room/played-device.js';
import { virtualDepths, virtualSkeletons } from '../../room/virtual-kinect.js';

function* first(chunks: Iterable<PlayedChunk<Uint8Array[]>>, seconds: number) {
  for (const { at, message } of chunks) {
    if (at > seconds) return;
    yield { at, bytes: encodeParts(message(100 + at)) };
  }
}

function next<T>(source: Iterator<T, unknown>): T {
  const { done, value } = source.next();
  if (done) throw new Error('it has an end');
  return value;
}

void t.test('skeletons become the numbers of one person of one size', (t) => {
  const decoder = skeletonZmq.decoder({ rate: 30 });
  const features = createSkeletonFeatures();
  const out = new Float32Array(80);
  let frames = 0;
  for (const { at, bytes } of first(virtualSkeletonChunks(3, 30), 30)) {
    const [frame] = decoder.push(bytes, at);
    if (Math.abs(frame!.deviceTime! - 100 - at) > 1e-9) t.fail(`time of ${at} s`);
    const fault = features.take(frame!, out);
    if (fault) t.fail(`${fault} at ${at} s`);
    // 0.288 of a stature of 1.7 m (Drillis and Contini).
    if (Math.abs(features.size - 0.49) > 0.01) t.fail(`a trunk of ${features.size} m`);
    frames++;
  }
  t.equal(decoder.counters.frames, frames);
  t.strictSame(Object.values(decoder.counters.failures).filter(Boolean), []);
  t.ok(
    out.filter((_, i) => i % 4 === 3).every((seen) => seen === 1),
    'every joint is seen',
  );
  t.end();
});

void t.test('depth pictures hold the person at its distance, from the first one on', (t) => {
  const decoder = depthZmq.decoder({ rate: 15 });
  const features = createDepthFeatures();
  const out = new Float32Array(48 * 48);
  for (const { at, bytes } of first(virtualDepthChunks(3, 15), 20)) {
    const [frame] = decoder.push(bytes, at);
    const fault = features.take(frame!, out);
    if (fault) t.fail(`${fault} at ${at} s`);
    if (Math.abs(features.distance - 2.78) > 0.06) t.fail(`it stands ${features.distance} m away at ${at} s`);
    const body = out.filter((value) => value > 0).length / out.length;
    if (body < 0.1 || body > 0.5) t.fail(`${body} of the crop is the person at ${at} s`);
  }
  t.equal(decoder.counters.frames, 301);
  t.strictSame(Object.values(decoder.counters.failures).filter(Boolean), []);
  t.end();
});

void t.test('both are of the same moment: in the depth picture there is somebody wherever a joint is', (t) => {
  const skeletons = virtualSkeletons(3, 15);
  let looked = 0;
  for (const { time, label, depth } of virtualDepths(3, 15)) {
    if (time > 20) break;
    const skeleton = next(skeletons);
    t.equal(skeleton.label, label);
    for (const name of ['head', 'left hand', 'right elbow', 'right hand', 'left foot'] as const) {
      const i = 3 * bodyJoints.indexOf(name);
      const [x, y, z] = skeleton.joints.subarray(i, i + 3);
      const u = Math.floor(160 + (focalLength * x!) / z!);
      const v = Math.floor(120 - (focalLength * y!) / z!);
      const seen = depth[320 * v + u]! / 1000;
      // Nearer than the joint by the limb's radius; what is before the limb may hide it.
      if (!(seen > 2 && seen < z! + 0.03)) t.fail(`${name} at ${time} s: ${seen} m before ${z} m`);
      looked++;
    }
  }
  t.equal(looked, 5 * 301);
  t.end();
});
