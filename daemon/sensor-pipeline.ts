/** The pipeline of one sensor, by its modality.
 *
 *      modality   frames                instants of a window
 *      imu        imu                   samples, low-pass filtered
 *      skeleton   skeleton              between two frames
 *      depth      depth                 nearest picture
 *      mmwave     mmwave (points)       nearest frame
 *      wifi       wifi (packets)        between two packets, or mean of those nearest to it
 *      lidar      lidar (turns)         nearest turn */
import type { Frame, Modality } from '../drivers/frames.js';
import { ModelError, windowShape } from '../models/manifest.js';
import type { Manifest } from '../models/manifest.js';
import { mmwavePointsSpan } from '../models/towers/mmwave-points.js';
import { createDepthFeatures } from '../pipelines/depth/features.js';
import { depthIsStill } from '../pipelines/depth/stillness.js';
import { createFrameWindows, linear } from '../pipelines/frame-windows.js';
import type { Blend, FrameWindowOptions } from '../pipelines/frame-windows.js';
import { createImuPipeline } from '../pipelines/imu.js';
import { createLidarFeatures } from '../pipelines/lidar/features.js';
import { createRadarPointFeatures } from '../pipelines/radar/point-set.js';
import { betweenSkeletons } from '../pipelines/skeleton/between.js';
import { createSkeletonFeatures } from '../pipelines/skeleton/features.js';
import { skeletonIsStill } from '../pipelines/skeleton/stillness.js';
import { createWifiFeatures } from '../pipelines/wifi/amplitude-features.js';
import type { WindowGrid } from '../pipelines/window-grid.js';
import type { RefusedWindow, Window } from '../pipelines/window.js';

export interface SensorPipelineOptions {
  readonly sensor: string;
  readonly modality: Modality;
  /** Of the tower that reads the windows. */
  readonly manifest: Pick<Manifest, 'name' | 'window'>;
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

/** @throws ModelError if the pipeline of this modality does not give what the tower reads */
export function createSensorPipeline(options: SensorPipelineOptions): SensorPipeline {
  const { modality, manifest, onPart, ...rest } = options;
  const [, ...shape] = windowShape(manifest);
  switch (modality) {
    case 'imu': {
      fits(manifest, shape, [6]);
      const pipeline = createImuPipeline({ ...manifest.window, ...rest, onWindow: onPart, onRefused: onPart });
      return {
        push: (frame) => frame.kind === 'imu' && pipeline.push(frame),
        tick: (now) => pipeline.tick(now),
        end: () => pipeline.end(),
      };
    }
    case 'skeleton':
      return ofFrames('skeleton', options, {
        features: createSkeletonFeatures(),
        sampling: betweenSkeletons,
        isStill: skeletonIsStill,
      });
    case 'depth': {
      const features = createDepthFeatures({ size: shape[0]! });
      const isStill = (window: Float32Array) => depthIsStill(window, shape[0]! ** 2);
      return ofFrames('depth', options, { features, sampling: 'nearest', isStill });
    }
    case 'mmwave': {
      const features = createRadarPointFeatures({ points: shape[0]!, span: mmwavePointsSpan });
      return ofFrames('mmwave', options, { features, sampling: 'nearest' });
    }
    case 'wifi': {
      const features = createWifiFeatures({ links: shape[0]!, subcarriers: shape[1] ?? 1 });
      return ofFrames('wifi', options, { features, sampling: againstAliasing(options) });
    }
    case 'lidar':
      return ofFrames('lidar', options, { features: createLidarFeatures({ points: shape[0]! }), sampling: 'nearest' });
    case 'video':
      throw new ModelError(`'${manifest.name}': there is no pipeline for video yet; leave its tower out`);
  }
}

/** Where more packets come than a window has instants, they are averaged. */
function againstAliasing({ inputRate, manifest }: SensorPipelineOptions): 'mean' | Blend {
  return inputRate > 1.5 * manifest.window.rate ? 'mean' : linear;
}

function ofFrames<Kind extends Frame['kind'], F extends Extract<Frame, { kind: Kind }>>(
  kind: Kind,
  { sensor, modality, manifest, inputRate, grid, onPart }: SensorPipelineOptions,
  way: Pick<FrameWindowOptions<F>, 'features' | 'sampling' | 'isStill'>,
): SensorPipeline {
  fits(manifest, windowShape(manifest).slice(1), way.features.shape);
  const { rate } = manifest.window;
  const windows = createFrameWindows<F>({
    ...{ modality, sensor, rate, inputRate, grid, ...way },
    onWindow: onPart,
    onRefused: onPart,
  });
  return {
    push: (frame) => frame.kind === kind && windows.push(frame as F),
    tick: (now) => windows.tick(now),
    end: () => windows.end(),
  };
}

function fits({ name }: Pick<Manifest, 'name'>, wanted: readonly number[], given: readonly number[]): void {
  if (String(wanted) !== String(given))
    throw new ModelError(
      `the tower '${name}' reads instants of [${wanted.join(', ')}]; its modality's pipeline gives [${given.join(', ')}]: ` +
        'take a tower that was trained for this version',
    );
}
