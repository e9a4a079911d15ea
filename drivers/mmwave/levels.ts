/** Levels of TI's mmWave demo: the detection matrix holds log2 of magnitudes, in steps that differ from chip to chip and SDK to SDK.
 *
 *     dB = value · step · 20 log10 2 + offset
 *
 * The offset undoes how the chip's FFTs scale with their length, so that a target has the same level whatever the lengths.
 *
 * Source: TI, mmWave Demo Visualizer 2 and 3 (mmWave.js and input_validations.js: log2linScale, dspFftScaleCompAll_log). TI gives an
 * example in E2E thread 757413: 44719 on an IWR1642 with SDK 2.0, 2 × 4 antennas and 256 × 16 bins is 125.44 dB. */

/** The chips, as the packets' head names them. */
export const chips = { xwr14: 0xa1443, xwr16: 0xa1642, xwr18: 0xa1843, xwr64: 0xa6443, xwr68: 0xa6843 } as const;

export interface LevelScale {
  /** dB a step. */
  readonly step: number;
  /** dB. */
  readonly offset: number;
}

export interface LevelContext {
  /** As in the packet's head, for instance 0xA1843. */
  readonly chip: number;
  /** Major and minor version of the SDK: 0x0305 for 3.5. */
  readonly version: number;
  /** An xWR68xx with antennas on the package; its firmware differs. */
  readonly antennaOnPackage: boolean;
  readonly transmitters: number;
  readonly receivers: number;
  readonly rangeBins: number;
  readonly chirpLoops: number;
}

/** @returns undefined for a chip of which no document says how */
export function levelScale(context: LevelContext): LevelScale | undefined {
  const { chip, version, antennaOnPackage, rangeBins } = context;
  if (!Object.values<number>(chips).includes(chip)) return undefined;
  const antennas = context.transmitters * context.receivers;
  const onDsp = chip === chips.xwr16;
  const dopplerOnDsp = onDsp || (chip === chips.xwr68 && version >= 0x0302 && !antennaOnPackage);
  const rangeScale = onDsp ? fixedPointFftScale(rangeBins) / fixedPointFftScale(64) : 32 / rangeBins;
  const dopplerScale = dopplerOnDsp ? 16 / dopplerBins(context) : 1;
  return { step: 20 * Math.log10(2) * log2Step(), offset: 20 * Math.log10(rangeScale * dopplerScale) };

  function log2Step(): number {
    if (version < 0x0300) {
      if (chip === chips.xwr16) return 1 / (256 * antennas);
      return (context.transmitters === 3 ? 4 / 3 : 1) / 512;
    }
    // The sum over the antennas is divided by the next power of two of their number.
    const mean = 2 ** Math.ceil(Math.log2(antennas)) / antennas;
    return mean / ((chip === chips.xwr18 || chip === chips.xwr68) && version < 0x0302 ? 512 : 256);
  }
}

/** Length of the demo's Doppler spectrum: the next power of two, with the least that each chip's firmware has. */
export function dopplerBins({ chip, version, antennaOnPackage, chirpLoops }: LevelContext): number {
  const bins = 2 ** Math.ceil(Math.log2(chirpLoops));
  if (version < 0x0300) return bins;
  if (chip === chips.xwr16 || (chip === chips.xwr68 && version >= 0x0302 && !antennaOnPackage))
    return Math.max(16, bins);
  return Math.max(8, bins);
}

/** What an FFT of radix 4 with a shift a stage leaves of a tone's height, over its length. */
function fixedPointFftScale(length: number): number {
  return 2 ** (Math.ceil(Math.log2(length) / 2) - 1) / length;
}
