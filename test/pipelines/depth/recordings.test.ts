import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { depthHeight, depthWidth, loadUtdMhadDepth } from '../../../learning/datasets/utd-mhad-kinect.js';
import { createDepthFeatures } from '../../../pipelines/depth/features.js';

const data = join(process.env['SENSING_DATA'] ?? '', 'utd-mhad');
const skip = process.env['SENSING_DATA'] && existsSync(data) ? false : 'skipped: no recordings';
const pixels = depthWidth * depthHeight;
const size = 48;

void t.test('UTD-MHAD: every picture of a subject gives features, and the crop holds the body', { skip }, async (t) => {
  const { recordings } = await loadUtdMhadDepth(data, { subjects: [1], trials: [1] });
  t.equal(recordings.length, 27, 'actions');
  const out = new Float32Array(size * size);
  let [body, lost, pictures, moved] = [0, 0, 0, 0];
  let worstFill = Infinity;
  for (const recording of recordings) {
    const { id } = recording;
    const { rate, depth } = await recording.read();
    const features = createDepthFeatures();
    let side = NaN;
    for (let i = 0; pixels * i < depth.length; i++) {
      const picture = depth.subarray(pixels * i, pixels * (i + 1));
      const fault = features.take(
        {
          kind: 'depth',
          arrivalTime: i / rate,
          width: depthWidth,
          height: depthHeight,
          metresPerStep: 0.001,
          depth: picture,
        },
        out,
      );
      if (fault) t.fail(`${id}, picture ${i}: ${fault}`);
      pictures++;
      const { box, distance } = features;
      let sum = 0;
      for (let at = 0; at < pixels; at++) {
        if (picture[at] === 0) continue;
        const x = at % depthWidth;
        const y = Math.floor(at / depthWidth);
        sum++;
        if (x < box.left || y < box.top || x >= box.left + box.side || y >= box.top + box.side) lost++;
      }
      body += sum;
      // What is body in the features covers as much of the picture as the body does.
      const covered = out.reduce((count, value) => count + (value > 0 ? 1 : 0), 0) * (box.side / size) ** 2;
      worstFill = Math.min(worstFill, covered / sum);
      if (!(distance > 1.5 && distance < 4)) t.fail(`${id}: ${distance} m`);
      if (i > 0) moved = Math.max(moved, Math.abs(box.side / side - 1));
      side = box.side;
    }
  }
  t.comment(`${pictures} pictures, ${lost} of ${body} body pixels outside, ${worstFill} of the body kept at worst`);
  t.comment(`the box's side changes by ${100 * moved} % in a picture at most`);
  t.ok(pictures > 1500);
  t.ok(lost / body < 0.001);
  t.ok(worstFill > 0.85);
  t.ok(moved < 0.25);
});
