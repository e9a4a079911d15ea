import { readFileSync } from 'node:fs';

/** A NumPy file of complex128 whose parts are int16 that were read as uint16, as OpenRadar's captures are. */
export function openRadarCube(path: string): { shape: number[]; data: Int16Array } {
  const file = readFileSync(path);
  const headerEnd = 10 + file.readUInt16LE(8);
  const header = file.toString('latin1', 10, headerEnd);
  if (!header.includes("'<c16'") || !header.includes("'fortran_order': False")) throw new Error(`${path}: ${header}`);
  const shape = /\(([\d, ]+)\)/
    .exec(header)![1]!
    .split(',')
    .map((length) => Number(length));
  const data = new Int16Array((file.length - headerEnd) / 8);
  for (let i = 0; i < data.length; i++) data[i] = file.readDoubleLE(headerEnd + 8 * i);
  return { shape, data };
}
