/** A radar cube of 64 chirps × 256 samples × 12 virtual antennas to range-Doppler and range-azimuth heatmaps in dB, beside the
 * same in NumPy, in turn, in one run, each on one thread. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { packageRoot } from '../daemon/package-root.js';
import type { RadarCubeFrame } from '../drivers/frames.js';
import { createRandom } from '../learning/random.js';
import { createCubeHeatmaps } from '../pipelines/radar/cube-heatmaps.js';
import { allocatedPerCall } from './allocation.js';
import type { StepFigure } from './pipeline-step.js';
import { percentile } from './statistics.js';

const python = '/usr/bin/python3';
export const shape = [64, 3, 4, 256] as const;
const warmUp = 150;
export const geometry = {
  frequency: 77e9,
  slope: 60e12,
  sampleRate: 10e6,
  loopPeriod: 180e-6,
  transmitters: 3,
  antennas: Array.from({ length: 12 }, (_, x) => [x, 0] as const),
};

export interface CubeFigure extends StepFigure {
  numPy?: { version: string; microsecondsPerFrame: number; largestDifference: number };
}

/** Samples of moving targets in noise would cost the same: no step looks at the values. */
export function noiseFrame(seed = 1): RadarCubeFrame {
  const random = createRandom(seed);
  const data = Int16Array.from({ length: 64 * 12 * 256 * 2 }, () => Math.round(500 * random.normal()));
  return { kind: 'radar-cube', arrivalTime: 0, shape, components: 2, data, missing: 0 };
}

/** NumPy in a process of its own, which does one frame each time that it is asked; undefined if there is none. */
async function startNumPy(data: Int16Array) {
  if (!existsSync(python)) return undefined;
  // The peer must run as fast as it can: on the kernel that its library chooses for this processor.
  const { OPENBLAS_CORETYPE: _type, OPENBLAS_L2_SIZE: _size, ...environment } = process.env;
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const cube = join(folder, 'cube.bin');
  writeFileSync(cube, data);
  const child = spawn(python, [join(packageRoot, 'bench', 'pipelines_radar.py')], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...environment, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1', MKL_NUM_THREADS: '1' },
  });
  child.stdin.on('error', () => undefined); // of a Python without NumPy: it has ended, and `read` tells
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async <T>(line: string): Promise<T | undefined> => {
    child.stdin.write(`${line}\n`);
    const { value, done } = (await lines.next()) as { value: string; done?: boolean };
    return done ? undefined : (JSON.parse(value) as T);
  };
  const first = await ask<{ version: string; maps: number[][] }>(cube);
  rmSync(folder, { recursive: true });
  if (!first) return undefined;
  return {
    ...first,
    frame: async () => (await ask<{ milliseconds: number }>(''))!.milliseconds,
    close: async () => {
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}

function largestDifference(maps: readonly Float32Array[], others: readonly number[][]): number {
  let largest = 0;
  maps.forEach((map, m) => {
    map.forEach((value, i) => {
      largest = Math.max(largest, Math.abs(value - others[m]![i]!));
    });
  });
  return largest;
}

export async function measureRadarCube(frames = 100): Promise<CubeFigure> {
  const maps = createCubeHeatmaps({
    geometry,
    shape,
    components: 2,
  });
  const frame = noiseFrame();
  const peer = await startNumPy(frame.data);
  for (let i = 0; i < warmUp; i++) maps.update(frame);
  const bytesAllocatedPerFrame = Math.round(allocatedPerCall(() => maps.update(frame)));

  const ours: number[] = [];
  const theirs: number[] = [];
  for (let i = 0; i < frames; i++) {
    const begin = performance.now();
    maps.update(frame);
    ours.push(performance.now() - begin);
    if (peer) theirs.push(await peer.frame());
  }
  await peer?.close();
  const own = percentile(ours, 0.5);
  const measured = {
    step: 'radar cube to heatmaps',
    microsecondsPerFrame: Math.round(own * 1e3),
    bytesAllocatedPerFrame,
  };
  if (!peer) return measured;
  const other = percentile(theirs, 0.5);
  return {
    ...measured,
    ratioToNumPy: Number((other / own).toFixed(2)),
    numPy: {
      version: peer.version,
      microsecondsPerFrame: Math.round(other * 1e3),
      largestDifference: largestDifference([maps.rangeDoppler, maps.rangeAzimuth], peer.maps),
    },
  };
}
