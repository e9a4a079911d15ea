/** The inertial pipeline's steps at 200 samples a second. */
import type { ImuFrame } from '../drivers/frames.js';
import { createRandom } from '../learning/random.js';
import { createDeviceClock } from '../pipelines/clock.js';
import { createImuPipeline } from '../pipelines/imu.js';
import { createMotionGate } from '../pipelines/motion-gate.js';
import { createResampler } from '../pipelines/resample.js';
import { createSlidingWindows } from '../pipelines/sliding-windows.js';
import { measureStep, type StepFigure } from './pipeline-step.js';

const rate = 200;
const window = { rate: 50, samples: 152, hop: 25 };

export function pipelinesImu(): StepFigure[] {
  const random = createRandom(1);
  const samples = Array.from({ length: 256 }, () => Float64Array.from({ length: 6 }, () => 5 * random.normal()));
  const delays = Float64Array.from(samples, () => 0.002 * random.uniform());
  const clock = createDeviceClock();
  const resampler = createResampler(
    { channels: 6, inputRate: rate, outputRate: window.rate },
    { segmentStart: () => undefined, sample: () => undefined, segmentEnd: () => undefined },
  );
  const sliding = createSlidingWindows({ channels: 6, ...window }, () => undefined);
  const gate = createMotionGate(window.samples);
  const pipeline = createImuPipeline({ sensor: 'wrist', inputRate: rate, ...window, onWindow: () => undefined });
  const frames = samples.map((values): { -readonly [key in keyof ImuFrame]: ImuFrame[key] } => ({
    kind: 'imu',
    arrivalTime: 0,
    deviceTime: 0,
    acceleration: Float32Array.from(values.subarray(0, 3)),
    angularRate: Float32Array.from(values.subarray(3)),
  }));
  return [
    measureStep('imu clock', (k) => {
      clock.sample.deviceTime = k / rate;
      clock.sample.arrivalTime = k / rate + delays[k % 256]!;
      clock.observeSample();
      clock.placeSample();
    }, 20_000, 500), // prettier-ignore
    measureStep('imu resample to 50 Hz', (k) => {
      resampler.sample.time = k / rate;
      resampler.pushSample(samples[k % 256]!);
    }, 20_000, 500), // prettier-ignore
    measureStep('imu sliding windows', (k) => sliding.push(samples[k % 256]!), 20_000, 500),
    measureStep('imu motion gate', (k) => {
      gate.push(samples[k % 256]!);
      gate.still();
    }, 20_000, 500), // prettier-ignore
    measureStep('imu frames to windows', (k) => {
      const frame = frames[k % 256]!;
      frame.deviceTime = k / rate;
      frame.arrivalTime = k / rate + delays[k % 256]!;
      pipeline.push(frame);
    }, 20_000, 500), // prettier-ignore
  ];
}
