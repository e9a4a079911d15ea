/** Which subcarrier each pair of an ESP32's CSI belongs to.
 *
 * ESP32, S2, S3, C3: pairs of the legacy, the HT and the STBC's second HT training field follow one another, as far as the
 * packet has them and the firmware has them enabled. Table of 'Wi-Fi Vendor Features' in the ESP-IDF programming guide; it
 * counts from the centre of a 40 MHz channel where there is a secondary one, here each field is counted from its own centre:
 *
 *     secondary channel   legacy            HT 20 MHz         HT 20 MHz STBC    HT 40 MHz         HT 40 MHz STBC
 *     none                0…31, −32…−1      0…31, −32…−1      0…31, −32…−1      –                 –
 *     below               −32…31            −32…31            −32…30            0…63, −64…−1      0…60, −60…−1
 *     above               −32…31            −32…31            −30…31            0…63, −64…−1      0…60, −60…−1
 *
 * C5, C61, C6 send one field (or two of an STBC packet) with ascending indices: −26…26 (legacy, 53 pairs), −28…28 (HT 20 MHz,
 * 57), −58…58 (HT 40 MHz, 117), −122…122 (HE 20 MHz, 245); the C6 pads them to −32…31 (64), −64…63 (128), −128…127 (256).
 * The guide's table says `0~28, −28~−1`, but the nulls of real lines (esp-csi's README files, recordings of a C5 and a C6) and
 * the table of Espressif's own esp_radar component show the ascending order. A buffer of the C6 whose nulls say otherwise is
 * taken in the order that they say.
 */
import { subcarrierRange } from './ieee80211.js';

export type TrainingField = 'auto' | 'legacy';

/** How to take a frame out of a line's pairs. */
export interface Plan {
  /** Ascending. */
  readonly subcarriers: Int16Array;
  readonly streams: number;
  /** [streams, subcarriers] the pair that each comes from. */
  readonly pairs: Uint16Array;
  /** Hz. */
  readonly bandwidth: number;
}

/** What a line of an ESP32, S2, S3 or C3 says about its packet. */
export interface PacketKind {
  readonly highThroughput: boolean;
  readonly wide: boolean;
  readonly stbc: boolean;
  /** 0 none, 1 above, 2 below. */
  readonly secondary: number;
}

const join = (...parts: Int16Array[]) => Int16Array.from(parts.flatMap((part) => [...part]));
const fromZero = (last: number, first: number) => join(subcarrierRange(0, last), subcarrierRange(first, -1));
const naturalOrder = fromZero(31, -32);
const ascending = subcarrierRange(-32, 31);

/** @param field subcarriers of one field as its pairs come @param at pair that each stream's field begins with */
function makePlan(field: Int16Array, at: readonly number[], bandwidth: number): Plan {
  const order = Array.from(field, (subcarrier, pair) => ({ subcarrier, pair })).sort(
    (a, b) => a.subcarrier - b.subcarrier,
  );
  return {
    subcarriers: Int16Array.from(order, ({ subcarrier }) => subcarrier),
    streams: at.length,
    pairs: Uint16Array.from(at.flatMap((start) => order.map(({ pair }) => start + pair))),
    bandwidth,
  };
}

function highThroughputField({ wide, stbc, secondary }: PacketKind): Int16Array {
  if (wide) return stbc ? fromZero(60, -60) : fromZero(63, -64);
  if (secondary === 0) return naturalOrder;
  if (!stbc) return ascending;
  return secondary === 2 ? subcarrierRange(-32, 30) : subcarrierRange(-30, 31);
}

/**
 * @param pairs how many the line has
 * @returns undefined if no combination of training fields is that long, or the wanted one is not among them
 */
export function classicPlan(pairs: number, kind: PacketKind, wanted: TrainingField): Plan | undefined {
  const legacy = kind.secondary === 0 ? naturalOrder : ascending;
  const field = kind.highThroughput ? highThroughputField(kind) : undefined;
  const L = legacy.length;
  const H = field?.length ?? 0;
  // The chip fills up to whole words, so an odd number of pairs is followed by an empty one.
  const fits = (length: number) => pairs === length || (length % 2 === 1 && pairs === length + 1);
  const hasLegacy = wanted === 'legacy' || field === undefined;
  if (hasLegacy) {
    const holdsLegacy = fits(L) || (field !== undefined && (fits(L + H) || (kind.stbc && fits(L + 2 * H))));
    return holdsLegacy ? makePlan(legacy, [0], 20e6) : undefined;
  }
  const bandwidth = kind.wide ? 40e6 : 20e6;
  if (kind.stbc && fits(L + 2 * H)) return makePlan(field, [L, L + H], bandwidth);
  if (fits(L + H)) return makePlan(field, [L], bandwidth);
  if (fits(L)) return makePlan(legacy, [0], 20e6);
  if (kind.stbc && fits(2 * H)) return makePlan(field, [0, H], bandwidth);
  return fits(H) ? makePlan(field, [0], bandwidth) : undefined;
}

/** The fields of C5, C61 and C6 by the number of their pairs. */
const newerFields: Readonly<Record<number, { field: Int16Array; bandwidth: number; legacy?: true }>> = {
  // 12 bits a part: every second subcarrier, without the one in the centre.
  26: { field: Int16Array.from(subcarrierRange(-13, 13).filter((k) => k !== 0), (k) => 2 * k), bandwidth: 20e6, legacy: true }, // prettier-ignore
  53: { field: subcarrierRange(-26, 26), bandwidth: 20e6, legacy: true },
  57: { field: subcarrierRange(-28, 28), bandwidth: 20e6 },
  64: { field: ascending, bandwidth: 20e6 },
  117: { field: subcarrierRange(-58, 58), bandwidth: 40e6 },
  128: { field: subcarrierRange(-64, 63), bandwidth: 40e6 },
  245: { field: subcarrierRange(-122, 122), bandwidth: 20e6 },
  256: { field: subcarrierRange(-128, 127), bandwidth: 20e6 },
};

/** @param values imaginary and real part of each pair */
export function newerPlan(pairs: number, values: Int16Array, wanted: TrainingField): Plan | undefined {
  const silent = (pair: number) => values[2 * pair] === 0 && values[2 * pair + 1] === 0;
  // Two ascending fields have guard bands where one has the subcarriers around its centre.
  const twice =
    pairs === 114 ||
    pairs === 234 ||
    ((pairs === 128 || pairs === 256) && silent(2) && silent(pairs / 2 - 3) && silent(pairs / 2 + 3));
  const length = twice ? pairs / 2 : pairs;
  const known = newerFields[length];
  if (known === undefined) return undefined;
  if (wanted === 'legacy' && known.legacy !== true && !isLegacy(length, silent)) return undefined;
  const { bandwidth } = known;
  const turned = length % 64 === 0 && silent(length / 2 - 1) && silent(length / 2 + 1) && !silent(2);
  const field = turned ? fromZero(length / 2 - 1, -length / 2) : known.field;
  return makePlan(field, twice ? [0, length] : [0], bandwidth);
}

/** A C6's 64 pairs are the legacy field if they end at subcarriers ±26. */
function isLegacy(length: number, silent: (pair: number) => boolean): boolean {
  return length === 64 && silent(4) && silent(5) && silent(59) && silent(60);
}
