/** Depth features of a recording, as training keeps them: a byte a cell, at the times of the pictures. */

/** Rows and columns of a depth picture's features. */
export const depthSize = 48;
/** Depth features, which lie between 0 and 1.75, times this are kept as bytes. */
export const depthScale = 128;

/** Pictures of one recording. */
export interface DepthClip {
  /** [pictures] seconds from the recording's first sample. */
  readonly times: Float64Array;
  /** [pictures, 48, 48] features × `depthScale`. */
  readonly pictures: Uint8Array;
}

/** Index of the picture that is nearest in time. */
export function nearestPicture({ times }: DepthClip, time: number): number {
  let low = 0;
  let high = times.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (times[middle]! <= time) low = middle;
    else high = middle;
  }
  return Math.abs(times[high]! - time) < Math.abs(times[low]! - time) ? high : low;
}

/** [samples, 48, 48] at `rate` from a second on; the last picture is held. */
export function depthWindow(clip: DepthClip, rate: number, samples: number, start: number): Float32Array {
  const cells = depthSize * depthSize;
  const window = new Float32Array(samples * cells);
  for (let i = 0; i < samples; i++) {
    const from = nearestPicture(clip, start + i / rate) * cells;
    for (let cell = 0; cell < cells; cell++) window[i * cells + cell] = clip.pictures[from + cell]! / depthScale;
  }
  return window;
}
