import type { RadarCubeFrame } from '../../drivers/frames.js';

/** Why a cube must not become numbers. */
export type CubeFault = 'shape' | 'missing' | 'constant' | 'clipped';

/** Shares of the samples from which on a cube is refused. */
export const faultShares = { missing: 0.01, clipped: 0.001 } as const;

/**
 * The first fault of a cube, if any: `shape`, not as configured (a device that changed its settings); `missing`, over 1 %
 * of samples were lost; `constant`, all samples are alike; `clipped`, over 0.1 % lie at the ends of the converter's scale,
 * which puts harmonics of near targets on the map as far ones.
 * @param fullScale the converter's largest step, 32767 for 16 bits
 */
export function cubeFault(
  frame: RadarCubeFrame,
  shape: RadarCubeFrame['shape'],
  components: RadarCubeFrame['components'],
  fullScale = 32767,
): CubeFault | undefined {
  const { data } = frame;
  const size = shape[0] * shape[1] * shape[2] * shape[3];
  let sameShape = true;
  for (let axis = 0; axis < 4; axis++) if (frame.shape[axis] !== shape[axis]) sameShape = false;
  if (!sameShape || frame.components !== components || data.length !== size * components) return 'shape';
  if (frame.missing > faultShares.missing * size) return 'missing';
  let clipped = 0;
  let differing = 0;
  for (let i = 0; i < data.length; i++) {
    const value = data[i]!;
    if (value >= fullScale || value <= -fullScale) clipped++;
    if (value !== data[i & (components - 1)]) differing++;
  }
  if (differing === 0) return 'constant';
  return clipped > faultShares.clipped * data.length ? 'clipped' : undefined;
}
