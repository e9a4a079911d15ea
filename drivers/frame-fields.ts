/** A frame as named arrays with their shapes, for programs that take whatever a frame holds: `decode`, NumPy files, pictures. */
import type { DepthFrame, Frame, RadarCubeFrame, RadarFrame, SkeletonFrame, VideoFrame, WifiFrame } from './frames.js';

export type FieldNumbers =
  Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array | Float32Array | Float64Array;

export interface Field {
  /** Name in the frame; what lies in an inner object is joined with a dot, for instance `targets.position`. */
  readonly name: string;
  /** Empty: a single number. */
  readonly shape: readonly number[];
  /** The first axis counts things, such as points, whose number differs from frame to frame. */
  readonly counted: boolean;
  /** Not a copy. */
  readonly data: FieldNumbers;
}

/** Axes of arrays that have more than one, by kind of frame and name. */
function shapeOf(frame: Frame, name: string, length: number): number[] {
  switch (`${frame.kind}.${name}`) {
    case 'wifi.csi': {
      const { receivers, transmitters, subcarriers } = frame as WifiFrame;
      return [receivers, transmitters, subcarriers.length, 2];
    }
    case 'radar-cube.data': {
      const { shape, components } = frame as RadarCubeFrame;
      return [...shape, components];
    }
    case 'depth.depth':
      return [(frame as DepthFrame).height, (frame as DepthFrame).width];
    case 'video.pixels':
      return [(frame as VideoFrame).height, (frame as VideoFrame).width, 3];
    case 'skeleton.joints': {
      const { people } = frame as SkeletonFrame;
      return [people, people === 0 ? 0 : length / people / 3, 3];
    }
    case 'skeleton.confidence': {
      const { people } = frame as SkeletonFrame;
      return [people, people === 0 ? 0 : length / people];
    }
    case 'mmwave.rangeDoppler': {
      const { rangeBins = length } = frame as RadarFrame;
      return [rangeBins, length / rangeBins];
    }
    case 'mmwave.azimuthStatic': {
      const { rangeBins = length / 2 } = frame as RadarFrame;
      return [rangeBins, length / rangeBins / 2, 2];
    }
    case 'lidar.position':
    case 'mmwave.position':
    case 'mmwave.targets.position':
    case 'mmwave.targets.velocity':
    case 'mmwave.targets.acceleration':
      return [length / 3, 3];
    case 'mmwave.targets.height':
      return [length / 2, 2];
    default:
      return [length];
  }
}

/** Arrays with a row for each point, target or person. */
function isCounted({ kind }: Frame, name: string): boolean {
  if (kind === 'lidar') return !name.startsWith('images.');
  if (kind === 'mmwave')
    return name.startsWith('targets.') || ['position', 'velocity', 'snr', 'noise', 'pointTarget'].includes(name);
  return kind === 'skeleton';
}

const isNumbers = (value: unknown): value is FieldNumbers => ArrayBuffer.isView(value) && !(value instanceof DataView);

/** Every number and array of a frame, in the frame's order; texts and lists of labels are left out. */
export function fieldsOf(frame: Frame): Field[] {
  const found: Field[] = [];
  const add = (name: string, value: unknown): void => {
    if (typeof value === 'number') found.push({ name, shape: [], counted: false, data: Float64Array.of(value) });
    else if (isNumbers(value))
      found.push({ name, shape: shapeOf(frame, name, value.length), counted: isCounted(frame, name), data: value });
    else if (isImage(value)) found.push({ name, shape: [value.rows, value.columns], counted: false, data: value.data });
    else if (typeof value === 'object' && value !== null && !Array.isArray(value))
      for (const [key, inner] of Object.entries(value)) add(`${name}.${key}`, inner);
  };
  for (const [name, value] of Object.entries(frame)) add(name, value);
  return found;
}

function isImage(value: unknown): value is { rows: number; columns: number; data: FieldNumbers } {
  return typeof value === 'object' && value !== null && 'rows' in value && 'columns' in value && 'data' in value;
}
