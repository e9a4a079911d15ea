/** Numeric arrays of MATLAB level 5 files (.mat, `save -v6` and `-v7`), kept as typed arrays in MATLAB's own column-major order.
 *
 *    text[116]  subsystem[8]  version u16 = 0x0100  endian u16 = 'IM' little, 'MI' big      then elements:
 *    type u32  bytes u32  data, filled up to 8 bytes     or, where the data fits in 4 bytes:  type u16  bytes u16  data[4]
 *    type 15   a zlib stream that holds one element
 *    type 14   a matrix: flags {class u8, complex bit 0x0800} · dimensions i32[] · name i8[] · numbers
 *
 * Source: MathWorks, 'MAT-File Format', sections 1-3 to 1-17. The library that reads these files in JavaScript is under the
 * GPL, which this program is not, and gives nested arrays of numbers: a depth recording of 4 MB becomes 100. */
import { inflateSync } from 'node:zlib';

export type MatlabNumbers =
  Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array | Float32Array | Float64Array;

export interface MatlabArray {
  /** Lengths of the axes; the first one varies fastest in `data`. */
  readonly dimensions: readonly number[];
  readonly data: MatlabNumbers;
}

const elementTypes = { int8: 1, uint8: 2, int32: 5, uint32: 6, matrix: 14, compressed: 15 } as const;
const firstNumericClass = 6; // double; 6 to 13 are numbers, the rest cells, structures, text, sparse
const lastNumericClass = 13;
const complexFlag = 0x0800;
const headerLength = 128;
const largestInflated = 1 << 28;
const mostDimensions = 32;

type NumberArrayType = new (buffer: ArrayBuffer) => MatlabNumbers;
const numberTypes: Readonly<Record<number, NumberArrayType | undefined>> = {
  1: Int8Array,
  2: Uint8Array,
  3: Int16Array,
  4: Uint16Array,
  5: Int32Array,
  6: Uint32Array,
  7: Float32Array,
  9: Float64Array,
};

interface Element {
  readonly type: number;
  readonly data: Uint8Array;
}

/** The elements of a stretch of bytes, one after the other. @throws Error if one reaches over the end */
function* elements(bytes: Uint8Array): Generator<Element> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + 8 <= bytes.length;) {
    const first = view.getUint32(at, true);
    const small = first >>> 16 !== 0;
    const type = first & (small ? 0xffff : 0xffffffff);
    const length = small ? first >>> 16 : view.getUint32(at + 4, true);
    const begin = at + (small ? 4 : 8);
    if (length > (small ? 4 : bytes.length - begin)) throw new Error('it is cut off, or no MATLAB file');
    const data = bytes.subarray(begin, begin + length);
    yield { type, data };
    // Compressed elements are not filled up.
    at = small ? at + 8 : begin + (type === elementTypes.compressed ? length : Math.ceil(length / 8) * 8);
  }
}

function numbersOf({ type, data }: Element): MatlabNumbers {
  const NumberArray = numberTypes[type];
  if (!NumberArray) throw new Error(`it holds numbers of type ${type}, which are not read here`);
  const copy = new Uint8Array(data.length - (data.length % Math.min(8, bytesOf(NumberArray))));
  copy.set(data.subarray(0, copy.length)); // aligned
  return new NumberArray(copy.buffer);
}

function bytesOf(type: NumberArrayType): number {
  return (type as unknown as { BYTES_PER_ELEMENT: number }).BYTES_PER_ELEMENT;
}

function addMatrix(bytes: Uint8Array, into: Map<string, MatlabArray>): void {
  const [flags, dimensions, name, numbers] = elements(bytes);
  if (!flags || !dimensions || !name || flags.data.length < 4) throw new Error('it is cut off, or no MATLAB file');
  const word = numbersOf({ ...flags, type: elementTypes.uint32 })[0]!;
  const arrayClass = word & 0xff;
  if (arrayClass < firstNumericClass || arrayClass > lastNumericClass || (word & complexFlag) !== 0) return;
  const lengths = [...numbersOf({ ...dimensions, type: elementTypes.int32 })];
  if (lengths.length > mostDimensions || lengths.some((length) => length < 0))
    throw new Error('it is cut off, or no MATLAB file');
  const data = numbers ? numbersOf(numbers) : new Float64Array();
  if (lengths.reduce((product, length) => product * length, 1) !== data.length)
    throw new Error(`it says [${lengths.join(', ')}] and holds ${data.length} numbers`);
  into.set(Buffer.from(name.data).toString('latin1'), { dimensions: lengths, data });
}

function inflated(data: Uint8Array): Uint8Array {
  try {
    return inflateSync(data, { maxOutputLength: largestInflated });
  } catch (error) {
    throw new Error(`it is damaged: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * @param bytes a whole .mat file
 * @returns the real numeric arrays by name; everything else in the file is passed over
 * @throws Error with what is wrong, beginning with 'it'
 */
export function readMatlab(bytes: Uint8Array): Map<string, MatlabArray> {
  const endian = Buffer.from(bytes.subarray(126, headerLength)).toString('latin1');
  if (endian === 'MI') throw new Error('it was written on a big-endian machine, which is not read here');
  if (endian !== 'IM') throw new Error('it is no MATLAB level 5 file');
  const found = new Map<string, MatlabArray>();
  for (const { type, data } of elements(bytes.subarray(headerLength))) {
    if (type === elementTypes.matrix) addMatrix(data, found);
    else if (type === elementTypes.compressed) {
      const [inner] = elements(inflated(data));
      if (inner?.type === elementTypes.matrix) addMatrix(inner.data, found);
    }
  }
  return found;
}
