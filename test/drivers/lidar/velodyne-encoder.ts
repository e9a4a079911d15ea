export const packetLength = 1206;

interface Sent {
  factory: number;
  mode?: number;
  /** Hundredths of a degree between firings (or pairs of blocks). */
  step?: number;
  azimuth: number;
  microseconds: number;
  /** Steps of distance and reflectivity of measurement `i` of block `block`. */
  measure?: (block: number, i: number) => [distance: number, reflectivity: number];
}

/** A data packet as the manual lays it out. */
export function packet({ factory, mode = 0x37, step = 40, azimuth, microseconds, measure = () => [1000, 50] }: Sent) {
  const bytes = new Uint8Array(packetLength);
  const view = new DataView(bytes.buffer);
  for (let block = 0; block < 12; block++) {
    const at = 100 * block;
    view.setUint16(at, 0xeeff, true);
    view.setUint16(at + 2, (azimuth + step * (mode === 0x39 ? block >> 1 : block)) % 36000, true);
    for (let i = 0; i < 32; i++) {
      const [distance, reflectivity] = measure(block, i);
      view.setUint16(at + 4 + 3 * i, distance, true);
      bytes[at + 6 + 3 * i] = reflectivity;
    }
  }
  view.setUint32(1200, microseconds % 3.6e9, true);
  bytes.set([mode, factory], 1204);
  return bytes;
}
