/** Messages of an Xsens MTi, as the maker's document that `xsens-mti.ts` names lays them out. */

const join = (...parts: Uint8Array[]) => Uint8Array.from(Buffer.concat(parts));

/** A message with its checksum, built from the maker's layout. */
export function message(mid: number, data: Uint8Array): Uint8Array {
  const length = data.length < 255 ? [data.length] : [0xff, data.length >> 8, data.length & 0xff];
  const body = [0xff, mid, ...length, ...data];
  return Uint8Array.from([0xfa, ...body, -body.reduce((sum, byte) => sum + byte, 0) & 0xff]);
}

export function item(id: number, values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(3 + 4 * values.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, id);
  view.setUint8(2, 4 * values.length);
  values.forEach((value, i) => view.setFloat32(3 + 4 * i, value));
  return bytes;
}

export function integerItem(id: number, size: 2 | 4, value: number): Uint8Array {
  const bytes = new Uint8Array(3 + size);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, id);
  view.setUint8(2, size);
  if (size === 2) view.setUint16(3, value);
  else view.setUint32(3, value);
  return bytes;
}

/** Sample k: its numbers tell it from the others. */
export const sample = (k: number, ticks = 100 * k) =>
  message(
    0x36,
    join(
      integerItem(0x1020, 2, k & 0xffff),
      integerItem(0x1060, 4, ticks),
      item(0x2010, [1, 0, 0, 0]),
      item(0x4020, [k, -k, 9.8125]),
      item(0x8020, [k / 8, 0.25, -0.5]),
      integerItem(0xe020, 4, 0x00400003),
    ),
  );
