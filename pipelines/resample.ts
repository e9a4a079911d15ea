/** Irregular samples to the uniform grid start + k / outputRate, start = the first sample of a segment, or where the receiver
 *  wants the grid to lie: up to its first samples are held then.
 *
 *  input slower or equal   linear interpolation between the two samples around a grid point
 *  input faster            triangle kernel of half-width 1 / outputRate, weights normalised to the sum 1: a low-pass
 *                          against aliasing, |H(f)| = sinc²(f / outputRate) for an input much faster, and
 *                          cos²(π f / 2 outputRate) for one twice as fast
 *                            to 50 Hz from      100 Hz     200 Hz
 *                            pass 5 Hz          −0.2 dB    −0.3 dB
 *                            pass 10 Hz         −0.9 dB    −1.1 dB
 *                            25 Hz (Nyquist)    −6.0 dB    −7.4 dB
 *                            40 Hz (→ 10 Hz)   −20.4 dB   −24.0 dB
 *                            50 Hz (→ 0 Hz)      zero       zero
 *
 *  Both are one triangle of half-width max(1 / inputRate, 1 / outputRate), which at the lower rate is linear
 *  interpolation; where samples are missing it widens to the distance of those that are there. Interpolating, a sample
 *  on a grid point (to 1 % of a period) is taken as it is, and no later one is waited for. At the two ends of a segment
 *  the triangle has one side only.
 *  Crochiere and Rabiner, Multirate Digital Signal Processing, 1983, chapter 2. */

/** Relative to a grid period: nearer than this, a sample lies on the grid point. At 50 Hz that is 0.2 ms, below what the
 * estimate of a device's clock wanders by; to wait for the next sample instead would cost 20 ms. */
const onGrid = 1e-2;

/** The same at a segment's end: a grid point that the last sample just misses takes it, so that the number of samples
 * does not hang on the last microsecond of a clock estimate. */
const nearEnd = 0.12;

export interface ResamplerOptions {
  channels: number;
  /** Nominal samples a second that come in. */
  inputRate: number;
  /** Samples a second that go out. */
  outputRate: number;
  /** A longer gap between two samples ends the segment, seconds; a shorter one is bridged linearly. Default 0.25. */
  maxGap?: number;
}

export interface ResamplerHandlers {
  /** A segment starts with a sample at `time`. @returns where its first grid point shall lie; nothing: at `time` */
  segmentStart(time: number): number | undefined;
  /** The next grid point, [channels]; reused after the call returns. */
  sample(values: Float32Array): void;
  segmentEnd(): void;
}

export interface ResamplerStatistics {
  segments: number;
  /** Samples dropped because their time was not after the one before. */
  backwards: number;
  /** Samples dropped because a value or the time was not a finite number. */
  invalid: number;
}

export interface Resampler {
  /** One sample: time in seconds, values [channels], not kept. */
  push(time: number, values: ArrayLike<number>): void;
  /** Whether a sample of this time would end the running segment. */
  endsAt(time: number): boolean;
  /** Ends the running segment, if there is one. */
  end(): void;
  statistics(): ResamplerStatistics;
}

export const defaultMaxGap = 0.25;

export function createResampler(options: ResamplerOptions, handlers: ResamplerHandlers): Resampler {
  const { channels, inputRate, outputRate, maxGap = defaultMaxGap } = options;
  const lowPass = inputRate > outputRate;
  const out = new Float32Array(channels);
  const last = new Float64Array(channels);
  // Weighted sums of the two grid points that the newest sample touches: `next` and the one after.
  const sums = new Float64Array(2 * channels);
  const weights = new Float64Array(2);
  const statistics: ResamplerStatistics = { segments: 0, backwards: 0, invalid: 0 };
  let running = false;
  let start = 0;
  let lastTime = 0;
  let lastPosition = 0; // in grid periods from start
  let next = 0; // the grid point to give out next

  function emit(): void {
    handlers.sample(out);
    next++;
  }

  /** Gives out the weighted mean at `next`, and moves on to the sums of the grid point after. */
  function emitSum(): void {
    for (let c = 0; c < channels; c++) out[c] = sums[c]! / weights[0]!;
    emit();
    sums.copyWithin(0, channels);
    sums.fill(0, channels);
    weights[0] = weights[1]!;
    weights[1] = 0;
  }

  function emitBetween(position: number, values: ArrayLike<number>): void {
    const part = (next - lastPosition) / (position - lastPosition);
    for (let c = 0; c < channels; c++) out[c] = last[c]! + part * (values[c]! - last[c]!);
    emit();
  }

  function addWeighted(grid: number, weight: number, values: ArrayLike<number>): void {
    const slot = grid - next; // below 0: given out already
    if (slot < 0 || weight <= 0) return;
    for (let c = 0; c < channels; c++) sums[slot * channels + c]! += weight * values[c]!;
    weights[slot]! += weight;
  }

  function filter(position: number, values: ArrayLike<number>): void {
    const cell = Math.floor(position);
    if (position - lastPosition > 1) {
      // Grid points that no kernel covers well are bridged; those behind them start from this sample.
      if (next <= lastPosition) emitSum();
      while (next < position) emitBetween(position, values);
      sums.fill(0);
      weights.fill(0);
    }
    while (next < cell) emitSum();
    addWeighted(cell, 1 - (position - cell), values);
    addWeighted(cell + 1, position - cell, values);
  }

  function interpolate(position: number, values: ArrayLike<number>): void {
    while (next < position) emitBetween(position, values);
    if (next === position) {
      for (let c = 0; c < channels; c++) out[c] = values[c]!;
      emit();
    }
  }

  const take = lowPass ? filter : interpolate;

  function positionOf(time: number): number {
    const position = (time - start) * outputRate;
    const nearest = Math.round(position);
    return Math.abs(position - nearest) < onGrid ? nearest : position;
  }

  function end(): void {
    if (!running) return;
    if (lowPass && next <= lastPosition) emitSum();
    if (next - lastPosition < nearEnd) {
      out.set(last);
      emit();
    }
    running = false;
    handlers.segmentEnd();
  }

  // A gap of just maxGap is bridged, whatever the rounding of its two times.
  const endsAt = (time: number) => running && time - lastTime > maxGap + onGrid / outputRate;

  return {
    endsAt,
    end,
    push(time, values) {
      // (Begun with 0: with `time`, the engine allocates a number for each call.)
      let sum = 0;
      for (let c = 0; c < channels; c++) sum += values[c]!;
      if (!Number.isFinite(sum + time)) {
        statistics.invalid++;
        return;
      }
      if (running && time <= lastTime) {
        statistics.backwards++;
        return;
      }
      if (endsAt(time)) end();
      if (!running) {
        running = true;
        statistics.segments++;
        next = 0;
        sums.fill(0);
        weights.fill(0);
        start = handlers.segmentStart(time) ?? time;
        lastPosition = positionOf(time);
        while (next < lastPosition) {
          for (let c = 0; c < channels; c++) out[c] = values[c]!;
          emit();
        }
        take(lastPosition, values);
      } else {
        const position = positionOf(time);
        take(position, values);
        lastPosition = position;
      }
      lastTime = time;
      for (let c = 0; c < channels; c++) last[c] = values[c]!;
    },
    statistics: () => ({ ...statistics }),
  };
}

/** A stretch of a recording without long gaps, on the uniform grid. */
export interface Segment {
  /** Time of its first sample, seconds. */
  start: number;
  /** [samples, channels] */
  data: Float32Array;
}

/**
 * A whole recording at once, by the same code.
 * @param times [samples], seconds, ascending
 * @param values [samples, channels]
 */
export function resampleRecording(
  times: ArrayLike<number>,
  values: Float32Array | Float64Array,
  channels: number,
  inputRate: number,
  outputRate: number,
): Segment[] {
  const segments: Segment[] = [];
  let start = 0;
  let data: number[] = [];
  const resampler = createResampler(
    { channels, inputRate, outputRate },
    {
      segmentStart(time) {
        start = time;
        data = [];
      },
      sample(sample) {
        for (const value of sample) data.push(value);
      },
      segmentEnd: () => segments.push({ start, data: Float32Array.from(data) }),
    },
  );
  for (let i = 0; i < times.length; i++) {
    resampler.push(times[i]!, values.subarray(i * channels, (i + 1) * channels));
  }
  resampler.end();
  return segments;
}
