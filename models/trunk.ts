/** The aligned trunk: what alignment and growth leave, plain data that can be kept in a file. */
import type { Weights } from './weights.js';

/** A modality's concept alignment module. */
export interface ConceptModule {
  /** Width of the encoder's output. */
  readonly inputs: number;
  /** Encoder outputs are brought to (x − mean) / scale first; [inputs] each, from the training side. */
  readonly mean: Float32Array;
  readonly scale: Float32Array;
  /** `0.weight` [inputs, hidden], `0.bias`, `1.weight` [hidden, hidden], `1.bias`, `2.weight` [hidden, width], `2.bias`. */
  readonly weights: Weights;
}

/** Why two recordings make a positive pair: they were made at the same time, or they only have the same label. */
export type Pairing = 'time' | 'label';

/** One alignment or growth that the trunk has been through. */
export interface TrunkEvent {
  readonly kind: 'align' | 'grow';
  /** Modalities that learned; of a growth the branch, then the one that it grew through. */
  readonly modalities: readonly string[];
  /** Recordings in each set. */
  readonly counts: readonly number[];
  /** What made the pairs of each set. */
  readonly pairings: readonly Pairing[];
  readonly epochs: number;
  readonly seed: number;
}

export interface Trunk {
  /** Of the embedding. */
  readonly width: number;
  /** Of the hidden layers. */
  readonly hidden: number;
  /** `0.weight` [width, hidden], `0.bias`, `1.weight` [hidden, width], `1.bias`; absent: aligned without a prototype network. */
  readonly prototype?: Weights | undefined;
  readonly modules: ReadonlyMap<string, ConceptModule>;
  readonly history: readonly TrunkEvent[];
}

/** @throws Error that names the modalities that are there */
export function moduleOf({ modules }: Trunk, modality: string): ConceptModule {
  const found = modules.get(modality);
  if (!found) throw new Error(`'${modality}' is not in the trunk, which has ${[...modules.keys()].join(', ')}`);
  return found;
}

const magic = 'babel-trunk 1\n';

type Layout = [name: string, length: number][];
interface Header {
  readonly width: number;
  readonly hidden: number;
  readonly history: readonly TrunkEvent[];
  readonly prototype?: Layout | undefined;
  readonly modules: readonly { readonly modality: string; readonly inputs: number; readonly weights: Layout }[];
}

const layoutOf = (weights: Weights): Layout => [...weights].map(([name, values]) => [name, values.length]);

/**
 * The trunk as one file: a line that says what it is, a line of JSON (shapes and history), then all float32 values, little-endian, in the
 * order of the JSON.
 */
export function encodeTrunk({ width, hidden, prototype, modules, history }: Trunk): Uint8Array {
  const header: Header = {
    width,
    hidden,
    history,
    prototype: prototype && layoutOf(prototype),
    modules: [...modules].map(([modality, { inputs, weights }]) => ({ modality, inputs, weights: layoutOf(weights) })),
  };
  const arrays = [...(prototype?.values() ?? [])];
  for (const { mean, scale, weights } of modules.values()) arrays.push(mean, scale, ...weights.values());
  const text = new TextEncoder().encode(`${magic}${JSON.stringify(header)}\n`);
  const bytes = new Uint8Array(text.length + 4 * arrays.reduce((sum, { length }) => sum + length, 0));
  bytes.set(text);
  const view = new DataView(bytes.buffer);
  let offset = text.length;
  for (const values of arrays) for (const value of values) view.setFloat32((offset += 4) - 4, value, true);
  return bytes;
}

/** @throws Error if the bytes are no trunk or are cut off */
export function decodeTrunk(bytes: Uint8Array): Trunk {
  const end = bytes.indexOf(0x0a, magic.length);
  const start = new TextDecoder().decode(bytes.subarray(0, magic.length));
  if (start !== magic || end < 0) throw new Error('this is no file of an aligned trunk (version 1)');
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(magic.length, end))) as Header;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = end + 1;
  const take = (length: number): Float32Array => {
    if (!(length >= 0 && offset + 4 * length <= bytes.length)) throw new Error('the file of the trunk is cut off');
    return Float32Array.from({ length }, () => view.getFloat32((offset += 4) - 4, true));
  };
  const weights = (layout: Layout): Weights => new Map(layout.map(([name, length]) => [name, take(length)]));
  const prototype = header.prototype && weights(header.prototype);
  const modules = new Map<string, ConceptModule>();
  for (const { modality, inputs, weights: layout } of header.modules)
    modules.set(modality, { inputs, mean: take(inputs), scale: take(inputs), weights: weights(layout) });
  return { width: header.width, hidden: header.hidden, prototype, modules, history: header.history };
}
