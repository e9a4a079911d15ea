/** The pipeline of one sensor, whatever its modality. */
import type { Frame, Modality } from '../drivers/frames.js';
import type { Manifest } from '../models/manifest.js';
import { createImuPipeline } from '../pipelines/imu.js';
import type { WindowGrid } from '../pipelines/window-grid.js';
import type { RefusedWindow, Window } from '../pipelines/window.js';

export interface SensorPipelineOptions {
  readonly sensor: string;
  readonly modality: Modality;
  /** What the tower reads. */
  readonly window: Manifest['window'];
  /** Nominal frames a second. */
  readonly inputRate: number;
  readonly grid: WindowGrid;
  readonly onPart: (part: Window | RefusedWindow) => void;
}

export interface SensorPipeline {
  /** A frame of another kind than the pipeline's is left out. */
  push(frame: Frame): void;
  tick(now: number): void;
  end(): void;
}

/** @throws Error with one line if no pipeline gives what the tower reads */
export function createSensorPipeline(options: SensorPipelineOptions): SensorPipeline {
  const { modality, onPart, window, ...rest } = options;
  if (modality !== 'imu') throw new Error(`there is no pipeline for ${modality}`);
  const pipeline = createImuPipeline({ ...window, ...rest, onWindow: onPart, onRefused: onPart });
  return {
    push: (frame) => frame.kind === 'imu' && pipeline.push(frame),
    tick: (now) => pipeline.tick(now),
    end: () => pipeline.end(),
  };
}
