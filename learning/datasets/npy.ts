/** Arrays of NumPy files (.npy), formats 1.0 to 3.0.
 *
 *     93 'NUMPY' major minor  length u16 (1.0) or u32  {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }  blanks  0A   numbers
 *
 *  Source: numpy/lib/format.py. Real numbers of either byte order are read, in C or Fortran order; complex ones, text and objects
 *  (which are Python's own pickles) are not. */

export type NpyNumbers =
  Int8Array | Uint8Array | Int16Array | Uint16Array | Int32Array | Uint32Array | Float32Array | Float64Array;

export interface NpyArray {
  /** Lengths of the axes; the last one varies fastest in `data`, as in NumPy. Empty: one number. */
  readonly shape: readonly number[];
  readonly data: NpyNumbers;
}

const magic = Buffer.from([0x93, ...Buffer.from('NUMPY')]);
const mostAxes = 32;
const longestHeader = 1 << 16;

type NumberArrayType = new (length: number) => NpyNumbers;

interface NumberType {
  readonly array: NumberArrayType;
  readonly size: number;
  /** The file's numbers are not of the array's type. */
  readonly converted?: true;
  readonly read: (view: DataView, at: number, little: boolean) => number;
}

const types: Readonly<Record<string, NumberType | undefined>> = {
  b1: { array: Uint8Array, size: 1, read: (view, at) => view.getUint8(at) },
  i1: { array: Int8Array, size: 1, read: (view, at) => view.getInt8(at) },
  u1: { array: Uint8Array, size: 1, read: (view, at) => view.getUint8(at) },
  i2: { array: Int16Array, size: 2, read: (view, at, little) => view.getInt16(at, little) },
  u2: { array: Uint16Array, size: 2, read: (view, at, little) => view.getUint16(at, little) },
  i4: { array: Int32Array, size: 4, read: (view, at, little) => view.getInt32(at, little) },
  u4: { array: Uint32Array, size: 4, read: (view, at, little) => view.getUint32(at, little) },
  i8: {
    array: Float64Array,
    size: 8,
    converted: true,
    read: (view, at, little) => exactly(view.getBigInt64(at, little)),
  },
  u8: {
    array: Float64Array,
    size: 8,
    converted: true,
    read: (view, at, little) => exactly(view.getBigUint64(at, little)),
  },
  f2: {
    array: Float32Array,
    size: 2,
    converted: true,
    read: (view, at, little) => halfPrecision(view.getUint16(at, little)),
  },
  f4: { array: Float32Array, size: 4, read: (view, at, little) => view.getFloat32(at, little) },
  f8: { array: Float64Array, size: 8, read: (view, at, little) => view.getFloat64(at, little) },
};

function exactly(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new Error('it holds integers above 2^53, which are not read here');
  return number;
}

/** IEEE 754 binary16. */
function halfPrecision(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** @throws Error that begins with 'it' */
function headerOf(bytes: Buffer): { text: string; begin: number } {
  if (bytes.length < 10 || !bytes.subarray(0, 6).equals(magic)) throw new Error('it is no NumPy file');
  const major = bytes[6]!;
  if (major < 1 || major > 3) throw new Error(`it is a NumPy file of format ${major}, which is not read here`);
  const lengthSize = major === 1 ? 2 : 4;
  if (bytes.length < 8 + lengthSize) throw new Error('it is cut off');
  const length = major === 1 ? bytes.readUInt16LE(8) : bytes.readUInt32LE(8);
  const begin = 8 + lengthSize + length;
  if (length > longestHeader) throw new Error(`it has a header of ${length} bytes`);
  if (begin > bytes.length) throw new Error('it is cut off');
  return { text: bytes.toString('latin1', 8 + lengthSize, begin), begin };
}

/** @throws Error that begins with 'it' */
function layoutOf(text: string): { type: NumberType; little: boolean; fortran: boolean; shape: number[] } {
  const descr = /'descr'\s*:\s*'([<>|=]?)([a-zA-Z]\d+)'/.exec(text);
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text);
  const axes = /'shape'\s*:\s*\(([\d\s,L]*)\)/.exec(text);
  const type = descr ? types[descr[2]!] : undefined;
  if (!type) {
    const named = descr?.[2] ?? /'descr'\s*:\s*([^}]{1,20})/.exec(text)?.[1] ?? 'none';
    throw new Error(`it holds ${JSON.stringify(named)}, which is no type of number that is read here`);
  }
  if (!order || !axes) throw new Error('it has no header that says shape and order');
  const shape = axes[1]!
    .split(',')
    .map((axis) => axis.trim().replace(/L$/, ''))
    .filter((axis) => axis !== '')
    .map(Number);
  if (shape.length > mostAxes || !shape.every(Number.isSafeInteger)) throw new Error('it has no shape that can be');
  return { type, little: descr![1] !== '>', fortran: order[1] === 'True', shape };
}

/**
 * @param bytes a whole .npy file
 * @throws Error with what is wrong, beginning with 'it'
 */
export function readNpy(bytes: Uint8Array): NpyArray {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const { text, begin } = headerOf(file);
  const { type, little, fortran, shape } = layoutOf(text);
  const count = shape.reduce((product, length) => product * length, 1);
  // Before anything is allocated: what a header says is anybody's.
  if (count * type.size !== file.length - begin)
    throw new Error(`it says [${shape.join(', ')}] and holds ${file.length - begin} bytes of numbers`);
  const data = new type.array(count);
  if (little && !type.converted && !fortran) new Uint8Array(data.buffer).set(file.subarray(begin));
  else {
    const view = new DataView(file.buffer, file.byteOffset + begin, file.length - begin);
    const place = fortran ? fortranPlaces(shape) : (i: number) => i;
    for (let i = 0; i < count; i++) data[i] = type.read(view, place(i) * type.size, little);
  }
  return { shape, data };
}

/** Where the number of C order's place `i` lies in Fortran order. */
function fortranPlaces(shape: readonly number[]): (i: number) => number {
  const strides = shape.map((_, axis) => shape.slice(0, axis).reduce((product, length) => product * length, 1));
  return (i) => {
    let place = 0;
    for (let axis = shape.length - 1, rest = i; axis >= 0; axis--) {
      place += (rest % shape[axis]!) * strides[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    return place;
  };
}
