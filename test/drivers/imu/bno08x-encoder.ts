/** Reports of a BNO08x in UART-RVC mode. */

const wrap = (angle: number) => angle - 360 * Math.round(angle / 360);

/** A report, from degrees and g, by the data sheet's layout. */
export function report(
  index: number,
  angles: readonly number[],
  acceleration: readonly number[] = [0, 0, 1],
): Uint8Array {
  const bytes = new Uint8Array(19);
  const view = new DataView(bytes.buffer);
  bytes.set([0xaa, 0xaa, index & 0xff]);
  angles.forEach((angle, i) => view.setInt16(3 + 2 * i, Math.round(100 * wrap(angle)), true));
  acceleration.forEach((a, i) => view.setInt16(9 + 2 * i, Math.round(1000 * a), true));
  bytes[18] = bytes.subarray(2, 18).reduce((sum, byte) => sum + byte, 0);
  return bytes;
}
