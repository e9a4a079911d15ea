/** What every public data set is turned into. */

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
