/** The radar pipelines' steps one by one: a cube of 64 chirps × 256 samples × 12 virtual antennas, and a device's own points. */
import type { RadarCubeFrame, RadarFrame } from '../drivers/frames.js';
import { createRandom } from '../learning/random.js';
import { createFft } from '../pipelines/fft.js';
import { removeChirpMean } from '../pipelines/radar/clutter.js';
import { createCubeDetector } from '../pipelines/radar/cube-detector.js';
import { cubeFault } from '../pipelines/radar/cube-faults.js';
import { createRadarCubeFeatures } from '../pipelines/radar/cube-features.js';
import { createCubeHeatmaps } from '../pipelines/radar/cube-heatmaps.js';
import { createAdaptiveScale, decibels, scaleAdaptive } from '../pipelines/radar/decibels.js';
import { dopplerFft, tdmPhases } from '../pipelines/radar/doppler-fft.js';
import { createRangeAzimuthScratch, rangeAzimuthPower, rangeDopplerPower } from '../pipelines/radar/heatmaps.js';
import { addMicroDoppler, createMicroDoppler, microDopplerPower } from '../pipelines/radar/micro-doppler.js';
import { pointFeatureNames, pointFeatures } from '../pipelines/radar/point-features.js';
import { addPointFrame, createPointFrames, gatheredChannels, gatherPoints } from '../pipelines/radar/point-frames.js';
import { createRadarPointFeatures } from '../pipelines/radar/point-set.js';
import { rangeFft } from '../pipelines/radar/range-fft.js';
import { voxels } from '../pipelines/radar/voxels.js';
import { measureStep, type StepFigure } from './pipeline-step.js';
import { geometry, noiseFrame, shape } from './pipelines-radar.js';

/** Six targets, each of its own range and velocity, straight ahead. */
function withTargets(frame: RadarCubeFrame): RadarCubeFrame {
  const [, transmitters, receivers, samples] = frame.shape;
  const data = frame.data.map((noise, i) => {
    const sample = (i >> 1) % samples;
    const chirp = Math.floor(i / 2 / samples / receivers / transmitters);
    let sum = noise;
    for (let target = 1; target <= 6; target++) {
      const turn = 2 * Math.PI * ((24 * target * sample) / samples + 0.13 * target * chirp);
      sum += 200 * (i % 2 === 0 ? Math.cos(turn) : Math.sin(turn));
    }
    return sum;
  });
  return { ...frame, data };
}

export function radarCubeSteps(): StepFigure[] {
  const frames = Array.from({ length: 8 }, (_, k) => withTargets(noiseFrame(k + 1)));
  const frameOf = (k: number) => frames[k % frames.length]!;
  const maps = createCubeHeatmaps({ geometry, shape, components: 2 });
  const { cube, rows, azimuthBins } = maps;
  const mean = new Float64Array(cube.pairs * cube.rangeBins * 4);
  const phases = tdmPhases(shape[1], maps.dopplerBins);
  const transform = createFft(azimuthBins);
  const scratch = createRangeAzimuthScratch(rows, azimuthBins);
  const detector = createCubeDetector(maps);
  const scale = createAdaptiveScale();
  const scaled = new Float32Array(maps.rangeDoppler.length);
  const microDoppler = createMicroDoppler(64, maps.dopplerBins);
  const features = createRadarCubeFeatures({ geometry, shape, components: 2 });
  const out = new Float32Array(2 * 32 * 32);
  maps.update(frameOf(0));
  const step = (name: string, call: (k: number) => void) => measureStep(`radar ${name}`, call, 2000, 10);
  return [
    step('cube faults', (k) => cubeFault(frameOf(k), shape, 2)),
    step('range FFT', (k) => rangeFft(frameOf(k), cube)),
    step('static clutter', () => removeChirpMean(cube, mean)),
    step('Doppler FFT', () => dopplerFft(cube, phases)),
    step('range-Doppler power', () => rangeDopplerPower(cube, maps.rangeDopplerPower)),
    step('range-azimuth power', () => rangeAzimuthPower(cube, rows, transform, scratch, maps.rangeAzimuthPower)),
    step('decibels', () => decibels(maps.rangeDopplerPower, maps.rangeDoppler)),
    step('adaptive scale', () => scaleAdaptive(maps.rangeDoppler, scale, {}, scaled)),
    step('CFAR and points', () => detector.update()),
    step('micro-Doppler column', () => {
      addMicroDoppler(microDoppler, maps.rangeDopplerPower, 4, 128);
      microDopplerPower(microDoppler);
    }),
    step('cube to features', (k) => features.take(frameOf(k), out)),
  ];
}

/** 30 points a frame, 20 frames a second. */
export function radarPointSteps(): StepFigure[] {
  const random = createRandom(2);
  const random3 = (length: number) => Float32Array.from({ length }, () => random.normal());
  const frames = Array.from({ length: 64 }, (): { -readonly [key in keyof RadarFrame]: RadarFrame[key] } => ({
    kind: 'mmwave',
    arrivalTime: 0.5,
    position: random3(90),
    velocity: random3(30),
    snr: random3(30),
  }));
  const frameAt = (k: number) => {
    const frame = frames[k % frames.length]!;
    frame.arrivalTime += 3.2 + 1e-9;
    return frame;
  };
  frames.forEach((frame, k) => (frame.arrivalTime = k / 20 + 1e-3));
  const state = createPointFrames(10, 64);
  const gathered = new Float32Array(256 * gatheredChannels);
  const sums = new Float64Array(6);
  const features = new Float32Array(pointFeatureNames.length);
  const grid = { origin: [-2, -2, -1], cell: [0.4, 0.125, 0.0625], shape: [10, 32, 32] } as const;
  const volume = new Float32Array(10 * 32 * 32 * 3);
  const set = createRadarPointFeatures({ span: 0.2 });
  const out = new Float32Array(32 * 8);
  const step = (name: string, call: (k: number) => void) => measureStep(`radar points ${name}`, call, 20_000, 200);
  let count = 0;
  return [
    step('into the ring', (k) => addPointFrame(state, frameAt(k))),
    step('gathered', () => (count = gatherPoints(state, 0, Infinity, gathered))),
    step('statistics', () => pointFeatures(gathered, count, sums, features)),
    step('voxels', () => voxels(gathered, count, grid, volume)),
    step('to features', (k) => set.take(frameAt(k), out)),
  ];
}
