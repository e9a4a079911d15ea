/** What a device measured at one time, in SI units and typed arrays. A device that does not send a field leaves it out. */

/** The kinds of sensor that the gateway knows. A tower reads the windows of one modality. */
export const modalities = ['imu', 'skeleton', 'depth', 'mmwave', 'wifi', 'lidar', 'video'] as const;
export type Modality = (typeof modalities)[number];

interface FrameTime {
  /** Host's monotonic time at which the frame's last byte arrived, seconds (see `monotonicSeconds`). */
  readonly arrivalTime: number;
  /** The device's own clock, seconds from an origin of its own; absent if the device sends none. */
  readonly deviceTime?: number;
}

/** One sample of an inertial sensor in the sensor's own axes. */
export interface ImuFrame extends FrameTime {
  readonly kind: 'imu';
  /** [x, y, z] specific force with gravity, m/s². */
  readonly acceleration: Float32Array;
  /** [x, y, z] angular rate, rad/s. */
  readonly angularRate: Float32Array;
  /** [roll, pitch, yaw], rad; absent if the device does not send it. */
  readonly angle?: Float32Array;
  /** [w, x, y, z], unit quaternion; absent if the device does not send it. */
  readonly quaternion?: Float32Array;
}

/** Channel state information of one received packet. */
export interface WifiFrame extends FrameTime {
  readonly kind: 'wifi';
  readonly receivers: number;
  /** Transmit antennas or space-time streams. */
  readonly transmitters: number;
  /** Index of each subcarrier from the channel's centre, ascending, as IEEE 802.11 numbers them (null and pilot ones included where sent). */
  readonly subcarriers: Int16Array;
  /** [receivers, transmitters, subcarriers, 2] real and imaginary part. */
  readonly csi: Float32Array;
  /** `absolute`: |csi|² is signal over noise power; `raw`: the chip's own units, scaled by a gain that may change. */
  readonly scale: 'absolute' | 'raw';
  /** [receivers] or [1] if the device gives one for all, dBm. */
  readonly rssi?: Float32Array;
  /** Noise floor, dBm. */
  readonly noise?: number;
  /** Gain that the receiver chose, dB. */
  readonly gain?: number;
  /** Centre frequency, Hz. */
  readonly frequency?: number;
  /** Hz. */
  readonly bandwidth?: number;
  /** Transmitter's MAC address, `aa:bb:cc:dd:ee:ff`. */
  readonly source?: string;
  readonly sequence?: number;
}

/** What one frame of a radar's own processing says; each device sends some of it. */
export interface RadarFrame extends FrameTime {
  readonly kind: 'mmwave';
  readonly frameNumber?: number;
  /** [points, 3] x to the right, y away from the radar, z up, metres. */
  readonly position?: Float32Array;
  /** [points] radial velocity, away from the radar is positive, m/s. */
  readonly velocity?: Float32Array;
  /** [points] dB. */
  readonly snr?: Float32Array;
  /** [points] dB. */
  readonly noise?: Float32Array;
  /** [points of the frame before] target that the device's tracker gave each point to; 253 and above: none (as the device says why). */
  readonly pointTarget?: Uint8Array;
  readonly targets?: RadarTargets;
  /** Whether the device itself thinks that someone is in its zone. */
  readonly presence?: boolean;
  /** Range bins of the arrays below. */
  readonly rangeBins?: number;
  /** Metres from one range bin to the next. */
  readonly rangeStep?: number;
  /** m/s from one Doppler bin to the next. */
  readonly velocityStep?: number;
  /** [range bins] power, dB, of the zero-Doppler bin. */
  readonly rangeProfile?: Float32Array;
  /** [range bins] power, dB, of the highest Doppler bin. */
  readonly noiseProfile?: Float32Array;
  /** [range bins, virtual antennas, 2] real and imaginary part of the zero-Doppler bin, device's units. */
  readonly azimuthStatic?: Float32Array;
  /** [range bins, Doppler bins] power, dB; Doppler bin 0 is standing. */
  readonly rangeDoppler?: Float32Array;
  /** Degrees Celsius by the device's name of the place, for instance `receiver0`. */
  readonly temperature?: Readonly<Record<string, number>>;
  /** The device's own timing and load figures, as its document names them. */
  readonly statistics?: Readonly<Record<string, number>>;
}

/** People that the radar's own firmware tracks; every array has one row a target. */
export interface RadarTargets {
  readonly id: Uint32Array;
  /** [targets, 3] metres. */
  readonly position: Float32Array;
  /** [targets, 3] m/s. */
  readonly velocity: Float32Array;
  /** [targets, 3] m/s². */
  readonly acceleration: Float32Array;
  /** [targets, 2] lowest and highest z, metres; absent if not sent. */
  readonly height?: Float32Array;
  /** [targets] 0 to 1, how sure the tracker is; absent if not sent. */
  readonly confidence?: Float32Array;
}

/** Raw samples of one radar frame. */
export interface RadarCubeFrame extends FrameTime {
  readonly kind: 'radar-cube';
  readonly frameNumber?: number;
  /** Axes of `data` but for the last: [chirp loops, transmitters, receivers, samples]. */
  readonly shape: readonly [chirps: number, transmitters: number, receivers: number, samples: number];
  /** 2: real and imaginary part are the last axis; 1: real samples. */
  readonly components: 1 | 2;
  /** [chirp loops, transmitters, receivers, samples, components], the converter's steps. */
  readonly data: Int16Array;
  /** Samples that were filled with zeros because packets were lost. */
  readonly missing: number;
}

/** One turn or picture of a LiDAR; every array has one row a point. */
export interface LidarFrame extends FrameTime {
  readonly kind: 'lidar';
  /** [points, 3] x, y, z, metres, in the device's own axes. */
  readonly position: Float32Array;
  /** [points] the device's own reflectivity or intensity. */
  readonly intensity?: Float32Array;
  /** [points] laser or row, from 0, lowest elevation first. */
  readonly ring?: Uint16Array;
  /** [points] seconds after `deviceTime`. */
  readonly time?: Float32Array;
  /** [points] 0: first (or only) return, 1: second. */
  readonly returnNumber?: Uint8Array;
  /** Range pictures [rows, columns] by name (`range` in millimetres, `signal`, …), destaggered: a column is one azimuth. */
  readonly images?: Readonly<
    Record<string, { rows: number; columns: number; data: Uint32Array | Uint16Array | Uint8Array }>
  >;
}

/** A depth picture. */
export interface DepthFrame extends FrameTime {
  readonly kind: 'depth';
  readonly width: number;
  readonly height: number;
  /** [height, width] in steps of `metresPerStep`; 0: no return. */
  readonly depth: Uint16Array;
  readonly metresPerStep: number;
}

/** Joints of the people in view. */
export interface SkeletonFrame extends FrameTime {
  readonly kind: 'skeleton';
  readonly people: number;
  /** Which joint is which, for instance `kinect-v1`. */
  readonly layout: string;
  /** [people, joints, 3] metres, in the camera's axes; NaN: not seen. */
  readonly joints: Float32Array;
  /** [people, joints] 0 to 1. */
  readonly confidence?: Float32Array;
  /** [people] the device's number of each person. */
  readonly id?: Uint32Array;
}

/** A colour picture. */
export interface VideoFrame extends FrameTime {
  readonly kind: 'video';
  readonly width: number;
  readonly height: number;
  /** [height, width, 3] red, green, blue, 0 to 255. */
  readonly pixels: Uint8Array;
}

export type Frame =
  ImuFrame | WifiFrame | RadarFrame | RadarCubeFrame | LidarFrame | DepthFrame | SkeletonFrame | VideoFrame;
