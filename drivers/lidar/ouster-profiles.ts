/** What each pixel of an Ouster packet holds, by the sensor's `udp_profile_lidar`.
 *
 *     LEGACY                         RRRRR... F   YY.. SSSS   NNNN ....            three words
 *     RNG19_RFL8_SIG16_NIR16         range 19, flags 5 | reflectivity 8, –, signal 16 | near infrared 16
 *     RNG19_RFL8_SIG16_NIR16_DUAL    range 19, flags 5, reflectivity 8 | the same of the second return | signal 16, second 16 |
 *                                    near infrared 16
 *     RNG15_RFL8_NIR8                range 15 (× 8 mm), flag 1, reflectivity 8, near infrared 8 (× 16)
 *     RNG15_RFL8_NIR8_DUAL, FUSA_…   the same | range 15, flag 1, reflectivity 8 of the second return
 *
 * Words are uint32, little-endian; bits are counted from the lowest.
 *
 * Source: Ouster sensor documentation, 'Lidar Data Packet Format' (firmware 2.0 and 3.x), pixel layouts.
 */

/** A field of a pixel: `(word >>> shift & mask) << raise`. */
export interface OusterField {
  /** The maker's name in lower case; a 2 at the end: of the second return. */
  readonly name: string;
  /** Byte of the pixel at which the field's word begins. */
  readonly word: number;
  readonly shift: number;
  readonly mask: number;
  readonly raise: number;
  readonly Values: Uint32ArrayConstructor | Uint16ArrayConstructor | Uint8ArrayConstructor;
}

export interface OusterProfile {
  readonly pixelLength: number;
  readonly fields: readonly OusterField[];
}

/** @param bits of the word that the field takes up, from `shift` on */
function field(name: string, word: number, shift: number, bits: number, raise = 0): OusterField {
  const width = bits + raise;
  const Values = width <= 8 ? Uint8Array : width <= 16 ? Uint16Array : Uint32Array;
  return { name, word: 4 * word, shift, mask: 2 ** bits - 1, raise, Values };
}

const lowBandwidth = [
  field('range', 0, 0, 15, 3),
  field('flags', 0, 15, 1),
  field('reflectivity', 0, 16, 8),
  field('near_ir', 0, 24, 8, 4),
];
const lowBandwidthDual: OusterProfile = {
  pixelLength: 8,
  fields: [...lowBandwidth, field('range2', 1, 0, 15, 3), field('flags2', 1, 15, 1), field('reflectivity2', 1, 16, 8)],
};

export const ousterProfiles = {
  LEGACY: {
    pixelLength: 12,
    fields: [
      field('range', 0, 0, 20),
      field('flags', 0, 28, 4),
      field('reflectivity', 1, 0, 8),
      field('signal', 1, 16, 16),
      field('near_ir', 2, 0, 16),
    ],
  },
  RNG19_RFL8_SIG16_NIR16: {
    pixelLength: 12,
    fields: [
      field('range', 0, 0, 19),
      field('flags', 0, 19, 5),
      field('reflectivity', 1, 0, 8),
      field('signal', 1, 16, 16),
      field('near_ir', 2, 0, 16),
    ],
  },
  RNG19_RFL8_SIG16_NIR16_DUAL: {
    pixelLength: 16,
    fields: [
      field('range', 0, 0, 19),
      field('flags', 0, 19, 5),
      field('reflectivity', 0, 24, 8),
      field('range2', 1, 0, 19),
      field('flags2', 1, 19, 5),
      field('reflectivity2', 1, 24, 8),
      field('signal', 2, 0, 16),
      field('signal2', 2, 16, 16),
      field('near_ir', 3, 0, 16),
    ],
  },
  RNG15_RFL8_NIR8: { pixelLength: 4, fields: lowBandwidth },
  RNG15_RFL8_NIR8_DUAL: lowBandwidthDual,
  FUSA_RNG15_RFL8_NIR8_DUAL: lowBandwidthDual,
} as const satisfies Record<string, OusterProfile>;
export type OusterProfileName = keyof typeof ousterProfiles;

export const ousterProfileNames = Object.keys(ousterProfiles) as OusterProfileName[];
