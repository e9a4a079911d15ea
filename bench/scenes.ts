/** Device bytes of a room in which somebody walks, for benchmarks whose cost hangs on what is seen. Built, not recorded. */
import { createRandom } from '../learning/random.js';
import { packet as velodynePacket } from '../test/drivers/lidar/velodyne-encoder.js';
import { dca1000FrameBytes } from './dca1000.js';

const random = createRandom(7);
const range = <T>(length: number, value: (k: number) => T): T[] => Array.from({ length }, (_, k) => value(k));

export const depthSize = { width: 640, height: 480 } as const;

/** Pictures [height, width] in millimetres: a wall at 4 m, and, if somebody is there, a body of 0.5 m × 1.7 m at 2.5 m, `k` of `all` along its way. */
export function depthPicture(somebody: boolean, k: number, all: number): Uint16Array {
  const { width, height } = depthSize;
  const picture = Uint16Array.from({ length: width * height }, () => 4000 + 16 * random.normal());
  if (!somebody) return picture;
  const middle = width * (0.25 + (0.5 * k) / all);
  for (let y = 60; y < 440; y++) {
    for (let x = Math.round(middle - 55); x < middle + 55; x++) picture[y * width + x] = 2500 + 8 * random.normal();
  }
  return picture;
}

export const vlp16PacketsPerTurn = 75;
/** Microseconds from one packet to the next. */
export const vlp16Period = 1327.104;

/** Packets of one turn of a VLP-16 in a room of 8 m × 6 m; somebody stands in the direction of `bearing` degrees, 2.5 m away. */
export function vlp16Turn(bearing?: number): Uint8Array[] {
  const metre = 500; // steps of 2 mm
  return range(vlp16PacketsPerTurn, (k) =>
    velodynePacket({
      factory: 0x22,
      azimuth: k * 480,
      microseconds: 0,
      measure: (block, i) => {
        const degrees = (k * 480 + 40 * block) / 100;
        const angle = (degrees * Math.PI) / 180;
        const wall = Math.min(4 / Math.abs(Math.cos(angle)), 3 / Math.abs(Math.sin(angle)));
        const seen = bearing !== undefined && Math.abs(degrees - bearing) < 6 ? 2.5 : wall;
        return [Math.round(metre * seen + 5 * random.normal()), 20 + i];
      },
    }),
  );
}

/** Nexmon CSI of a BCM43455c0, 80 MHz: a path that a walker lengthens, and noise. */
export function nexmonPacket(k: number): Uint8Array {
  const packet = new Uint8Array(18 + 4 * 256);
  const view = new DataView(packet.buffer);
  packet.set([0x11, 0x11, -50 & 0xff, 0x88, 2, 0, 0, 0, 0, 1]);
  view.setUint16(14, (3 << 14) | (4 << 11) | 106, true); // channel 106, 80 MHz, 5 GHz
  view.setUint16(16, 0x65, true);
  for (let n = 0; n < 256; n++) {
    const turn = n / 40 + k / 9;
    view.setInt16(18 + 4 * n, 1500 + 400 * Math.cos(turn) + 30 * random.normal(), true);
    view.setInt16(20 + 4 * n, 400 * Math.sin(turn) + 30 * random.normal(), true);
  }
  return packet;
}

/** Samples of several frames of 64 loops, 2 transmitters, 4 receivers, 128 complex samples: noise and a walker. */
export function dca1000Frames(count: number): Uint8Array {
  const all = new Int16Array((count * dca1000FrameBytes) / 2);
  for (let i = 0, at = 0; at < all.length; i++, at += 2) {
    const sample = i % 128;
    const loop = Math.floor(i / (128 * 8)) % 64;
    const turn = 2 * Math.PI * ((9 * sample) / 128 + (11 * loop) / 64 + Math.floor(i / 128 / 512) / 3);
    all[at] = 300 * Math.cos(turn) + 60 * random.normal();
    all[at + 1] = 300 * Math.sin(turn) + 60 * random.normal();
  }
  return new Uint8Array(all.buffer);
}
