/** What every public data set is turned into. */
import type { RadarFrame } from '../../drivers/frames.js';

/** One performance of one activity by one person. */
export interface ActivityRecording {
  /** Name in the data set, for instance `a1_s1_t1`. */
  readonly id: string;
  readonly subject: number;
  readonly label: string;
  /** Place of the label among the data set's labels. */
  readonly classIndex: number;
  /** Samples a second, evenly spaced. */
  readonly rate: number;
  /** IMU: [count, 6] acceleration x y z in m/s² with gravity, angular rate x y z in rad/s. Skeleton: [count, joints, 3] in metres. */
  readonly samples: Float32Array;
}

/** A longer recording of one sensor in which activities follow one another. */
export interface LabelledStream {
  readonly id: string;
  readonly subject: number;
  /** Where it was worn. */
  readonly sensor: 'phone' | 'watch';
  /** Nominal samples a second; `times` says when each really was. */
  readonly rate: number;
  /** [count] Unix time, seconds, ascending. */
  readonly times: Float64Array;
  /** [count, 6] as in `ActivityRecording`. */
  readonly samples: Float32Array;
  /** [count] the activity at each sample. */
  readonly labels: readonly string[];
}

/** What is known of any recording, whatever the sensor. */
export interface RecordingAbout {
  /** Path below the data set's folder without the ending, or the name that the data set gives it. */
  readonly id: string;
  /** Absent where the data set does not say who it was. */
  readonly subject?: number;
  readonly label: string;
  /** Place of the label among the data set's labels. */
  readonly classIndex: number;
  /** What was recorded in one go or in one arrangement of the room: to be held out whole. */
  readonly session: string;
}

/** Points of a TI radar's demo of SDK 1 and 2, which sends each point's peak and no noise. */
export interface RadarPointFrame extends RadarFrame {
  readonly position: Float32Array;
  readonly velocity: Float32Array;
  /** [points] dB, 10 lg(peak + 1) of the detection matrix's value: takes the place of `snr` where a device sends none. */
  readonly intensity: Float32Array;
}

/** A file that could not be used; training goes on without it, and says so. */
export interface UnreadableFile {
  readonly file: string;
  readonly reason: string;
}

export interface Loaded<Recording> {
  /** In an order that depends on the names alone. */
  readonly recordings: readonly Recording[];
  readonly unreadable: readonly UnreadableFile[];
}

/** The folder does not hold the data set; the message says how it must look. */
export class DatasetError extends Error {
  override name = 'DatasetError';
}
