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
import type { FrameFeatures } from '../pipelines/features.js';
import { createFrameWindows, linear } from '../pipelines/frame-windows.js';
import type { Blend, FrameWindowOptions } from '../pipelines/frame-windows.js';
import { createImuPipeline } from '../pipelines/imu.js';
import { createLidarFeatures } from '../pipelines/lidar/features.js';
import { createRadarPointFeatures } from '../pipelines/radar/point-set.js';
import { betweenSkeletons } from '../pipelines/skeleton/between.js';
import { createSkeletonFeatures } from '../pipelines/skeleton/features.js';
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
      return ofFrames('skeleton', createSkeletonFeatures(), betweenSkeletons, options);
    case 'depth':
      return ofFrames('depth', createDepthFeatures({ size: shape[0]! }), 'nearest', options);
    case 'mmwave':
      return ofFrames(
        'mmwave',
        createRadarPointFeatures({ points: shape[0]!, span: mmwavePointsSpan }),
        'nearest',
        options,
      );
    case 'wifi':
      return ofFrames(
        'wifi',
        createWifiFeatures({ links: shape[0]!, subcarriers: shape[1] ?? 1 }),
        againstAliasing(options),
        options,
      );
    case 'lidar':
      return ofFrames('lidar', createLidarFeatures({ points: shape[0]! }), 'nearest', options);
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
  features: FrameFeatures<F>,
  sampling: FrameWindowOptions<F>['sampling'],
  { sensor, modality, manifest, inputRate, grid, onPart }: SensorPipelineOptions,
): SensorPipeline {
  fits(manifest, windowShape(manifest).slice(1), features.shape);
  const { rate } = manifest.window;
  const windows = createFrameWindows<F>({
    ...{ modality, sensor, features, rate, inputRate, grid, sampling },
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
