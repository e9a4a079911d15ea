/** How TI's chips send a frame's samples over their LVDS lanes, as the DCA1000 passes them on: int16 little-endian, chirp by chirp.
 *
 *     two lanes, xWR16xx, 18xx, 68xx: receiver after receiver
 *       complex   I0 I1 Q0 Q1  I2 I3 Q2 Q3 …            each lane carries pairs: the first I, the second Q
 *                 Q0 Q1 I0 I1 …                         if adcbufCfg of the profile says so (SampleSwap 1, as the mmWave SDK's demo does)
 *       real      S0 S1 S2 …
 *     four lanes, xWR12xx, 14xx: one receiver a lane; lanes without one carry zeros
 *       complex   I of receivers 0 to 3, Q of receivers 0 to 3, then the next sample
 *       real      receivers 0 to 3, then the next sample
 *
 * Source: TI SWRA581B 'mmWave Radar Device ADC Raw Data Capture', sections 5, 6 and 9. */
import type { RadarProfile } from './profile.js';

export const lanes = { xwr1243: 4, xwr1443: 4, xwr1642: 2, xwr1843: 2, xwr6843: 2 } as const;
export type BoardFamily = keyof typeof lanes;

export interface CubeLayout {
  /** [chirp loops, chirps of a loop, receivers, samples] */
  readonly shape: readonly [number, number, number, number];
  readonly components: 1 | 2;
  /** Of one frame on the line. */
  readonly bytes: number;
  /** @returns [chirp loops, chirps, receivers, samples, components] of a frame's bytes as they came */
  arrange(raw: ArrayBuffer): Int16Array;
}

const largestFrame = 64 * 1024 * 1024;

/** @throws Error with one line: what of the profile does not go with raw samples, and what to do */
export function cubeLayout(profile: RadarProfile, family: BoardFamily): CubeLayout {
  const { lvdsStream: stream, receivers, complex, imaginaryFirst } = profile;
  if (stream && (stream.data !== 1 || stream.header || stream.software))
    throw new Error(
      `profile, line ${stream.line}: lvdsStreamCfg does not send samples alone. Make it 'lvdsStreamCfg -1 0 1 0'`,
    );
  if (profile.subframes.length > 1)
    throw new Error('profile: raw samples of advanced frames are not read. Use dfeDataOutputMode 1 and frameCfg');
  if (profile.bits !== 16)
    throw new Error(`profile: raw samples of ${profile.bits} bit are not read. Make the line 'adcCfg 2 …'`);
  const { chirpLoops, chirpTransmitters, samples } = profile.subframes[0]!;
  const chirps = chirpLoops * chirpTransmitters.length;
  const sentReceivers = lanes[family] === 4 ? 4 : receivers;
  const components = complex ? 2 : 1;
  const bytes = chirps * sentReceivers * samples * components * 2;
  if (bytes > largestFrame)
    throw new Error(`profile: a frame of ${Math.round(bytes / 2 ** 20)} MiB is too large. Use fewer chirps or samples`);
  const layout = {
    shape: [chirpLoops, chirpTransmitters.length, receivers, samples] as const,
    components,
    bytes,
  } as const;

  if (lanes[family] === 4) {
    if ((profile.receiverMask & (profile.receiverMask + 1)) !== 0)
      throw new Error(
        "profile: on four lanes, receivers are read from the first on. Make channelCfg's first number 1, 3, 7 or 15",
      );
    return {
      ...layout,
      arrange: (raw) =>
        complex
          ? fourLanesComplex(new Int32Array(raw), chirps, receivers, samples, imaginaryFirst)
          : fourLanesReal(new Int16Array(raw), chirps, receivers, samples),
    };
  }
  if (profile.receiversApart === false)
    throw new Error('profile: two lanes carry receiver after receiver. Make the ChanInterleave of adcbufCfg 1');
  if (complex && (receivers * samples) % 2 !== 0)
    throw new Error('profile: two lanes carry pairs of samples. Use an even number of samples a chirp');
  return {
    ...layout,
    arrange: (raw) => (complex ? twoLanesComplex(new Int32Array(raw), imaginaryFirst) : new Int16Array(raw).slice()),
  };
}

// Two samples at a time, as one word of 32 bits: the first is the low half, on little-endian machines, which all are that Node runs
// on but for the mainframes of IBM.

function twoLanesComplex(raw: Int32Array, imaginaryFirst: boolean): Int16Array {
  const out = new Int32Array(raw.length);
  const [real, imaginary] = imaginaryFirst ? [1, 0] : [0, 1];
  for (let i = 0; i < raw.length; i += 2) {
    const re = raw[i + real]!;
    const im = raw[i + imaginary]!;
    out[i] = (re & 0xffff) | (im << 16);
    out[i + 1] = (re >>> 16) | (im & 0xffff0000);
  }
  return new Int16Array(out.buffer);
}

function fourLanesComplex(
  raw: Int32Array,
  chirps: number,
  receivers: number,
  samples: number,
  imaginaryFirst: boolean,
): Int16Array {
  const out = new Int32Array(chirps * receivers * samples);
  const [real, imaginary] = imaginaryFirst ? [2, 0] : [0, 2];
  let at = 0;
  for (let chirp = 0; chirp < chirps; chirp++) {
    const to = chirp * receivers * samples;
    for (let sample = 0; sample < samples; sample++, at += 4) {
      for (let receiver = 0; receiver < receivers; receiver++) {
        const shift = (receiver & 1) * 16;
        const re = raw[at + real + (receiver >> 1)]! >>> shift;
        const im = raw[at + imaginary + (receiver >> 1)]! >>> shift;
        out[to + receiver * samples + sample] = (re & 0xffff) | (im << 16);
      }
    }
  }
  return new Int16Array(out.buffer);
}

function fourLanesReal(raw: Int16Array, chirps: number, receivers: number, samples: number): Int16Array {
  const out = new Int16Array(chirps * receivers * samples);
  let at = 0;
  for (let chirp = 0; chirp < chirps; chirp++) {
    const to = chirp * receivers * samples;
    for (let sample = 0; sample < samples; sample++, at += 4)
      for (let receiver = 0; receiver < receivers; receiver++)
        out[to + receiver * samples + sample] = raw[at + receiver]!;
  }
  return out;
}
