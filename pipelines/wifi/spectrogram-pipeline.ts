/** Wi-Fi frames to spectrograms.
 *
 *    frames ─▶ inspector ─▶ clock ─▶ amplitude ─▶ gain normalised ─▶ Hampel ─▶ resample ─▶ spectrogram
 *
 *  Nothing bridges a refused frame but the resampler, and that at most a quarter of a second: after a longer gap, a change of
 *  layout or of the device's clock, columns start anew from fresh samples, and `interrupted` says why. */

import type { WifiFrame } from '../../drivers/frames.js';
import { createDeviceClock } from '../clock.js';
import { createResampler, defaultMaxGap, type Resampler } from '../resample.js';
import { amplitude } from './amplitude.js';
import { createCsiSpectrogram, type CsiSpectrogram } from './csi-spectrogram.js';
import { normaliseGain } from './gain.js';
import { createHampel, type Hampel } from './hampel.js';
import { createInspector, refusals, type Refusal } from './quality.js';
import type { Layout } from './layout.js';

/** Neighbours on each side and deviations that the Hampel filter takes. */
const hampelHalfWidth = 3;
const hampelSigmas = 3;

export interface WifiSpectrogramOptions {
  /** Packets a second that come in, nominal. */
  inputRate: number;
  /** Samples a second of the grid. */
  rate: number;
  /** Samples of a segment, a power of two. */
  samples: number;
  /** Samples from one column to the next. */
  hop: number;
}

/** `gap`: no packets at all; `clock`: the device's clock was set; `newLayout`: antennas, subcarriers or bandwidth changed. */
export type Interruption = Refusal | 'gap' | 'clock' | 'newLayout';

export interface WifiSpectrogramHandlers {
  /**
   * A column is there, in `spectrogram`.
   * @param segment its start and end, [start, end), seconds on the host's monotonic clock; overwritten by the next (numbers that are
   * passed may be allocated)
   */
  column(segment: Float64Array, spectrogram: CsiSpectrogram, layout: Layout): void;
  /** The stream of columns broke off; the next column begins after it. */
  interrupted(reason: Interruption): void;
}

export interface WifiSpectrogramPipeline {
  push(frame: WifiFrame): void;
  /** To be called now and then: a silence tells itself by nothing else. Host's monotonic time, seconds. */
  tick(now: number): void;
  /** Frames refused so far, by the reason. */
  readonly refused: Readonly<Record<Refusal, number>>;
  /** Frames left out since their time was not after the one before, or no time. */
  readonly badTimes: number;
}

/** What depends on the layout. */
interface Chain {
  readonly layout: Layout;
  readonly amplitudes: Float32Array;
  readonly filtered: Float32Array;
  readonly hampel: Hampel;
  readonly resampler: Resampler;
  readonly spectrogram: CsiSpectrogram;
}

export function createWifiSpectrogram(
  options: WifiSpectrogramOptions,
  handlers: WifiSpectrogramHandlers,
): WifiSpectrogramPipeline {
  const { inputRate, rate, samples, hop } = options;
  const maxGap = Math.max(defaultMaxGap, 3 / inputRate);
  const inspector = createInspector();
  const clock = createDeviceClock();
  // Times of the packets that the Hampel filter holds.
  const times = new Float64Array(hampelHalfWidth + 1);
  const refusedSince = { absent: 0, notANumber: 0, clipped: 0, constant: 0, otherLayout: 0 };
  let chain: Chain | undefined;
  let layouts = 0;
  let packets = 0; // of this stream
  let badTimes = 0;
  // Numbers that change with each packet: a variable of the closure would be allocated anew each time.
  const last = { time: NaN, arrival: NaN };
  const packet = { time: NaN };
  const segment = new Float64Array(2);

  function createChain(layout: Layout): Chain {
    const { channels } = layout;
    const spectrogram = createCsiSpectrogram({ channels, samples, hop, rate });
    let start = 0;
    let count = 0;
    const resampler = createResampler(
      { channels, inputRate, outputRate: rate, maxGap },
      {
        segmentStart(time) {
          start = time;
          count = 0;
          spectrogram.reset();
        },
        sample(values) {
          count++;
          if (!spectrogram.push(values)) return;
          segment[1] = start + count / rate;
          segment[0] = segment[1] - samples / rate;
          handlers.column(segment, spectrogram, layout);
        },
        segmentEnd: () => undefined,
      },
    );
    return {
      layout,
      amplitudes: new Float32Array(channels),
      filtered: new Float32Array(channels),
      hampel: createHampel(channels, hampelHalfWidth, hampelSigmas),
      resampler,
      spectrogram,
    };
  }

  function forgetRefused(): void {
    for (const reason of refusals) refusedSince[reason] = 0;
  }

  /** Ends the stream of columns, if there is one. */
  function interrupt(reason: Interruption): void {
    if (packets === 0) return;
    packets = 0;
    chain!.resampler.end();
    chain!.hampel.reset();
    handlers.interrupted(reason);
  }

  /** The reason that most of the frames since the last good one were refused for. */
  function reasonOfGap(): Interruption {
    let most: Interruption = 'gap';
    let count = 0;
    for (const reason of refusals) {
      if (refusedSince[reason] > count) {
        count = refusedSince[reason];
        most = reason;
      }
    }
    return most;
  }

  /** Puts the frame's time into `packet`; a clock that was set is learnt anew. @returns whether the time can be used */
  function place(frame: WifiFrame): boolean {
    packet.time = frame.arrivalTime;
    if (frame.deviceTime === undefined) return true;
    const { sample } = clock;
    sample.deviceTime = frame.deviceTime;
    sample.arrivalTime = frame.arrivalTime;
    let observation = clock.observeSample();
    if (observation === 'jumped') {
      interrupt('clock');
      clock.reset();
      observation = clock.observeSample();
    }
    if (observation !== 'used') return false;
    clock.placeSample();
    packet.time = sample.hostTime;
    return true;
  }

  /** The packet whose time is in `packet`. */
  function take(csi: Float32Array, { layout, amplitudes, filtered, hampel, resampler }: Chain): void {
    const { time } = packet;
    if (time - last.time > maxGap) interrupt(reasonOfGap());
    last.time = time;
    forgetRefused();
    amplitude(csi, layout, amplitudes);
    normaliseGain(amplitudes, layout);
    times[packets % times.length] = time;
    packets++;
    if (!hampel.push(amplitudes, filtered)) return;
    resampler.sample.time = times[packets % times.length]!;
    resampler.pushSample(filtered);
  }

  function tick(now: number): void {
    if (now - last.arrival > maxGap) interrupt(reasonOfGap());
  }

  return {
    tick,
    push(frame) {
      const refusal = inspector.inspect(frame);
      if (refusal !== undefined) {
        refusedSince[refusal]++;
        tick(frame.arrivalTime);
        return;
      }
      last.arrival = frame.arrivalTime;
      if (chain === undefined || inspector.layouts !== layouts) {
        interrupt('newLayout');
        layouts = inspector.layouts;
        chain = createChain(inspector.layout!);
      }
      if (place(frame)) take(frame.csi, chain);
      else badTimes++;
    },
    refused: inspector.refused,
    get badTimes() {
      return badTimes;
    },
  };
}
