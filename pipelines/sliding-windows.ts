/** Uniform samples to windows of `samples` every `hop` samples.
 *
 *  A ring of twice the length in which every sample is written twice, `samples` apart, so that each window lies in one
 *  piece somewhere in it. A sample costs two writes, whatever the overlap.
 *
 *      samples = 4      4 5 2 3 | 4 5 2 3      after sample 5: the window 2 3 4 5 starts at the third place
 */

export interface SlidingWindowOptions {
  channels: number;
  /** Samples of a window. */
  samples: number;
  /** Samples from one window's start to the next one's. */
  hop: number;
  /** A segment too short for one window still gives one, its last sample held, from so many samples on. Default: half. */
  minimumSamples?: number;
}

/**
 * @param data [samples, channels], valid until the call returns
 * @param first index in the segment of the window's first sample
 * @param heldSamples how many samples at the window's end repeat the segment's last one
 */
export type WindowHandler = (data: Float32Array, first: number, heldSamples: number) => void;

export interface SlidingWindows {
  /** The next sample of the segment, [channels]; not kept. */
  push(values: ArrayLike<number>): void;
  /** The segment is over: the next sample starts a new one. */
  end(): void;
  /** Values written into the ring so far. */
  readonly writes: number;
}

export function createSlidingWindows(options: SlidingWindowOptions, onWindow: WindowHandler): SlidingWindows {
  const { channels, samples, hop, minimumSamples = Math.ceil(samples / 2) } = options;
  const row = samples * channels;
  const ring = new Float32Array(2 * row);
  let count = 0; // samples of this segment
  let writes = 0;

  function write(values: ArrayLike<number>): void {
    const at = (count % samples) * channels;
    for (let c = 0; c < channels; c++) ring[at + c] = ring[at + row + c] = values[c]!;
    writes += 2 * channels;
    count++;
  }

  function emit(heldSamples: number): void {
    const at = (count % samples) * channels;
    onWindow(ring.subarray(at, at + row), count - samples, heldSamples);
  }

  return {
    push(values) {
      write(values);
      if (count >= samples && (count - samples) % hop === 0) emit(0);
    },
    end() {
      if (count < samples && count > 0 && count >= minimumSamples) {
        const heldSamples = samples - count;
        const last = ring.slice((count - 1) * channels, count * channels);
        while (count < samples) write(last);
        emit(heldSamples);
      }
      count = 0;
    },
    get writes() {
      return writes;
    },
  };
}

/** A window of one recorded segment. */
export interface RecordedWindow {
  /** [samples, channels] */
  data: Float32Array;
  /** Index in the segment of its first sample. */
  first: number;
  heldSamples: number;
}

/** All windows of one segment at once, by the same code. `data`: [samples of the segment, channels]. */
export function windowsOfRecording(
  data: Float32Array,
  channels: number,
  shape: Omit<SlidingWindowOptions, 'channels'>,
): RecordedWindow[] {
  const windows: RecordedWindow[] = [];
  const sliding = createSlidingWindows({ channels, ...shape }, (window, first, heldSamples) =>
    windows.push({ data: window.slice(), first, heldSamples }),
  );
  for (let at = 0; at < data.length; at += channels) sliding.push(data.subarray(at, at + channels));
  sliding.end();
  return windows;
}
