/** Turns of a VLP-16 to the points of the person. */
import type { LidarFrame } from '../drivers/frames.js';
import { findDriver } from '../drivers/registry.js';
import { createLidarFeatures } from '../pipelines/lidar/features.js';
import { measureStep, type StepFigure } from './pipeline-step.js';
import { vlp16Turn } from './scenes.js';

const turnsPerSecond = 10;
const learning = 120;

/** The turns of a pool, decoded; each needs the next one's first packet. */
function decoded(turns: readonly Uint8Array[][]): { -readonly [key in keyof LidarFrame]: LidarFrame[key] }[] {
  const driver = findDriver('velodyne')!;
  const decoder = driver.decoder(driver.settings.parse({}));
  return [...turns, ...turns.slice(0, 1)]
    .flat()
    .flatMap((packet) => decoder.push(packet, 0) as LidarFrame[])
    .map((frame) => ({ ...frame }));
}

export function pipelinesLidar(): StepFigure[] {
  const empty = decoded(Array.from({ length: 8 }, () => vlp16Turn()));
  const walker = decoded(Array.from({ length: 40 }, (_, k) => vlp16Turn(60 + 2 * k)));
  const features = createLidarFeatures();
  const out = new Float32Array(features.shape.reduce((product, size) => product * size, 1));
  let turn = 0;
  function take(pool: typeof empty): boolean {
    const frame = pool[turn % pool.length]!;
    frame.arrivalTime = frame.deviceTime = turn++ / turnsPerSecond;
    return features.take(frame, out) === undefined;
  }
  while (turn < learning * turnsPerSecond) take(empty);
  let sound = 0;
  let taken = 0;
  const figure = measureStep('lidar turns of a VLP-16 to features', () => {
    taken++;
    if (take(walker)) sound++;
  }, 300, 20); // prettier-ignore
  if (sound < 0.5 * taken) throw new Error(`lidar bench: ${taken - sound} of ${taken} turns gave no numbers`);
  return [figure];
}
