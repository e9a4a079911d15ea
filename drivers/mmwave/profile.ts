/** A `.cfg` profile of TI's mmWave devices: the lines that the command port takes, and what follows from them.
 *
 *     % …                                                    a comment
 *     dfeDataOutputMode MODE                                 1: frames, 3: advanced frames (subframes)
 *     channelCfg RX TX CASCADE                               bit masks of the antennas in use
 *     adcCfg BITS FORMAT                                     0, 1, 2: 12, 14, 16 bit; 0: real, 1, 2: complex
 *     adcbufCfg [SUBFRAME] FORMAT SWAP INTERLEAVE THRESHOLD  SWAP 0: I before Q, 1: Q before I; INTERLEAVE 1: receivers one after another
 *     profileCfg ID START IDLE ADC_START RAMP_END POWER PHASE SLOPE TX_START SAMPLES RATE HPF1 HPF2 GAIN
 *                                                            GHz, µs, µs, µs, …, MHz/µs, µs, samples a chirp, ksps
 *     chirpCfg FIRST LAST PROFILE START SLOPE IDLE ADC TX    START … ADC are added to the profile's (Hz, kHz/µs, µs, µs); TX: bit mask
 *     frameCfg FIRST LAST LOOPS FRAMES PERIOD TRIGGER DELAY  chirps FIRST to LAST, LOOPS times, every PERIOD ms
 *     advFrameCfg SUBFRAMES …                                instead of frameCfg, with one line for each subframe:
 *     subFrameCfg SUBFRAME FORCE FIRST CHIRPS LOOPS BURST OFFSET BURSTS BURST_LOOPS PERIOD
 *     lvdsStreamCfg SUBFRAME HEADER DATA SOFTWARE            raw samples to a capture board: DATA 1: samples alone
 *
 * Sources: TI, 'mmWave SDK User Guide' 3.5, section 3.4 'Configuration (.cfg) File Format'; for what follows from the figures, TI
 * SWRA553 'Programming Chirp Parameters in TI Radar Devices'. The chip counts slopes in steps of 3.6 GHz · 900 / 2²⁶ a µs at 76 to
 * 81 GHz and of 2.7 GHz · 900 / 2²⁶ at 60 to 64 GHz (TI, 'mmWave Radar Interface Control Document', profile configuration).
 */

const speedOfLight = 299_792_458; // m/s

/** A line that the device's command port takes. */
export interface ProfileCommand {
  /** Number of the line in the file, from 1. */
  readonly line: number;
  readonly text: string;
}

/** Chirps that one frame, or one subframe of an advanced frame, consists of, and what follows from them. */
export interface RadarSubframe {
  readonly chirpLoops: number;
  /** Transmitters' bit mask of each chirp of a loop, in the order in which they are sent. */
  readonly chirpTransmitters: readonly number[];
  /** Transmitters that any chirp uses. */
  readonly transmitters: number;
  /** Samples of one chirp. */
  readonly samples: number;
  /** Length of the demo's range spectrum: the next power of two. */
  readonly rangeBins: number;
  /** Swept while samples are taken, Hz. */
  readonly bandwidth: number;
  /** In the middle of the sampled sweep, Hz. */
  readonly centreFrequency: number;
  /** From one chirp loop to the next, seconds. */
  readonly loopTime: number;
  /** c / 2B, metres. */
  readonly rangeResolution: number;
  /** From one range bin to the next, metres. */
  readonly rangeStep: number;
  /** λ / 2NT, m/s. */
  readonly velocityResolution: number;
  /** λ / 4T, m/s. */
  readonly maximumVelocity: number;
}

export interface RadarProfile {
  readonly commands: readonly ProfileCommand[];
  /** Chip, as the visualizer's head comment says, for instance `xWR68xx_AOP`. */
  readonly platform?: string;
  readonly receivers: number;
  /** Bit mask of the receivers. */
  readonly receiverMask: number;
  /** Of a sample, 12, 14 or 16. */
  readonly bits: number;
  readonly complex: boolean;
  /** Of complex samples: whether the imaginary part comes before the real one. */
  readonly imaginaryFirst: boolean;
  /** Whether a chirp's samples come receiver after receiver; if not, they alternate. Absent if the profile does not say. */
  readonly receiversApart?: boolean;
  /** Raw samples to a capture board; absent if the profile does not say. */
  readonly lvdsStream?: {
    readonly line: number;
    readonly header: boolean;
    readonly data: number;
    readonly software: boolean;
  };
  /** One; several with advanced frames. */
  readonly subframes: readonly RadarSubframe[];
}

interface Chirp {
  readonly first: number;
  readonly last: number;
  readonly profile: number;
  readonly startOffset: number; // Hz
  readonly slopeOffset: number; // Hz/s
  readonly idleOffset: number; // s
  readonly transmitters: number;
}

/** @throws Error with one line that names the profile's line and what to do */
export function parseProfile(text: string): RadarProfile {
  const commands: ProfileCommand[] = [];
  const found = new Map<string, { line: number; values: number[] }[]>();
  let platform: string | undefined;
  const withoutMark = text.replace(/^\uFEFF/, ''); // byte order mark
  withoutMark.split(/\r\n|\r|\n/).forEach((raw, index) => {
    const trimmed = raw.trim();
    if (trimmed.startsWith('%')) platform ??= /^%\s*Platform:\s*(\S+)/i.exec(trimmed)?.[1];
    if (trimmed === '' || trimmed.startsWith('%')) return;
    commands.push({ line: index + 1, text: trimmed });
    const [name, ...words] = trimmed.split(/\s+/);
    const lengths = lineLengths[name!];
    if (!lengths) return;
    const values = words.map(Number);
    const line = index + 1;
    const odd = values.findIndex((value) => !Number.isFinite(value));
    if (odd !== -1) fail(line, `${name} has '${words[odd]}' where a number belongs`);
    if (!lengths.includes(values.length))
      fail(line, `${name} has ${values.length} numbers instead of ${lengths.join(' or ')}`);
    found.set(name!, [...(found.get(name!) ?? []), { line, values }]);
  });
  const lines = (name: string) => found.get(name) ?? [];
  const only = (name: string) => {
    const last = lines(name).at(-1);
    if (!last) throw new Error(`profile: no line ${name}. Is this a .cfg file of TI's mmWave SDK 1 to 3?`);
    return last;
  };

  const channels = only('channelCfg');
  const receiverMask = channels.values[0]!;
  if (!isInteger(receiverMask, 1, 15)) fail(channels.line, 'channelCfg enables no receiver, or more than four');
  const adc = only('adcCfg');
  if (!isInteger(adc.values[1]!, 0, 3)) fail(adc.line, 'the second number of adcCfg is not 0 (real), 1 or 2 (complex)');
  if (!isInteger(adc.values[0]!, 0, 2))
    fail(adc.line, 'the first number of adcCfg is not 0, 1 or 2 (12, 14 or 16 bit)');
  const complex = adc.values[1] !== 0;
  const buffer = lines('adcbufCfg').at(-1)?.values.slice(-4);
  const stream = lines('lvdsStreamCfg').at(-1);

  const profiles = new Map(lines('profileCfg').map((one) => [one.values[0]!, one]));
  if (profiles.size === 0) only('profileCfg');
  const chirps = lines('chirpCfg').map(({ values: v }): Chirp => {
    const [first, last, profile, start, slope, idle, , transmitters] = v;
    return {
      first: first!,
      last: last!,
      profile: profile!,
      startOffset: start!,
      slopeOffset: slope! * 1e9,
      idleOffset: idle! * 1e-6,
      transmitters: transmitters!,
    };
  });

  /** @param line of the frame, for messages */
  function subframe(line: number, first: number, count: number, loops: number): RadarSubframe {
    if (!isInteger(first, 0, 511) || !isInteger(count, 1, 512) || !isInteger(loops, 1, 1023))
      fail(line, 'the chirps of the frame are not within 0 to 511, or not looped 1 to 1023 times');
    let loopTime = 0;
    const masks: number[] = [];
    let settings: { line: number; values: number[] } | undefined;
    let chirp: Chirp | undefined;
    for (let index = first; index < first + count; index++) {
      chirp = chirps.findLast((one) => one.first <= index && index <= one.last);
      if (!chirp) return fail(line, `chirp ${index} has no line chirpCfg`);
      const own = profiles.get(chirp.profile);
      if (!own) return fail(line, `chirp ${index} uses profile ${chirp.profile}, which has no line profileCfg`);
      if (settings && own !== settings) fail(own.line, 'the chirps of one frame use different profiles; give them one');
      settings = own;
      if (!isInteger(chirp.transmitters, 0, 7)) fail(line, `chirp ${index} has no mask of transmitters, 0 to 7`);
      masks.push(chirp.transmitters);
      loopTime += (own.values[2]! + own.values[4]!) * 1e-6 + chirp.idleOffset;
    }
    const v = settings!.values;
    const [samples, sampleRate] = [v[9]!, v[10]! * 1e3];
    if (!isInteger(samples, 1, 4096)) fail(settings!.line, `${samples} samples a chirp are not within 1 to 4096`);
    const startFrequency = v[1]! * 1e9 + chirp!.startOffset;
    const step = ((startFrequency >= 76e9 ? 3.6e9 : 2.7e9) * 900) / 2 ** 26 / 1e-6; // Hz/s
    const slope = Math.trunc((Math.abs(v[7]!) * 1e12) / step + 1e-9) * step + chirp!.slopeOffset;
    if (!(slope > 0) || !(sampleRate > 0) || !(startFrequency > 1e9) || !(loopTime > 0))
      fail(settings!.line, 'start frequency, slope, times and sampling rate must be above zero');
    const bandwidth = (slope * samples) / sampleRate;
    const centreFrequency = startFrequency + Math.sign(v[7]!) * (slope * v[3]! * 1e-6 + bandwidth / 2);
    const wavelength = speedOfLight / centreFrequency;
    const rangeBins = 2 ** Math.ceil(Math.log2(samples));
    return {
      chirpLoops: loops,
      chirpTransmitters: masks,
      transmitters: Math.max(1, bits(masks.reduce((union, mask) => union | mask, 0))),
      samples,
      rangeBins,
      bandwidth,
      centreFrequency,
      loopTime,
      rangeResolution: speedOfLight / (2 * bandwidth),
      rangeStep: (speedOfLight * sampleRate) / (2 * slope * rangeBins),
      velocityResolution: wavelength / (2 * loops * loopTime),
      maximumVelocity: wavelength / (4 * loopTime),
    };
  }

  const subframes: RadarSubframe[] = [];
  if (lines('dfeDataOutputMode').at(-1)?.values[0] === 3) {
    const { line, values } = only('advFrameCfg');
    if (!isInteger(values[0]!, 1, 4)) fail(line, 'advFrameCfg has not 1 to 4 subframes');
    for (let k = 0; k < values[0]!; k++) {
      const own = lines('subFrameCfg').findLast((one) => one.values[0] === k);
      if (!own) return fail(line, `subframe ${k} has no line subFrameCfg`);
      subframes.push(subframe(own.line, own.values[2]!, own.values[3]!, own.values[4]!));
    }
  } else {
    const { line, values } = only('frameCfg');
    subframes.push(subframe(line, values[0]!, values[1]! - values[0]! + 1, values[2]!));
  }

  return {
    commands,
    ...(platform !== undefined && { platform }),
    receivers: bits(receiverMask),
    receiverMask,
    bits: 12 + 2 * adc.values[0]!,
    complex,
    imaginaryFirst: buffer?.[1] === 1,
    ...(buffer && { receiversApart: buffer[2] === 1 }),
    ...(stream && {
      lvdsStream: {
        line: stream.line,
        header: stream.values[1] !== 0,
        data: stream.values[2]!,
        software: stream.values[3] !== 0,
      },
    }),
    subframes,
  };
}

/** How many numbers the lines have that this parser reads; adcbufCfg and frameCfg differ from one SDK to the next. */
const lineLengths: Readonly<Record<string, readonly number[]>> = {
  dfeDataOutputMode: [1],
  channelCfg: [3],
  adcCfg: [2],
  adcbufCfg: [4, 5],
  profileCfg: [14],
  chirpCfg: [8],
  frameCfg: [7, 8],
  advFrameCfg: [5],
  subFrameCfg: [10],
  lvdsStreamCfg: [4],
};

function fail(line: number, what: string): never {
  throw new Error(
    `profile, line ${line}: ${what}. Write the profile anew with TI's mmWave Demo Visualizer, or mend the line`,
  );
}

function isInteger(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

function bits(mask: number): number {
  let count = 0;
  for (let rest = mask; rest > 0; rest >>= 1) count += rest & 1;
  return count;
}
