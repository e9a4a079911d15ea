/** What a device measured at one time, in SI units and typed arrays. */

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

export type Frame = ImuFrame;
