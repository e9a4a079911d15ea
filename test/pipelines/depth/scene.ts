import type { DepthFrame } from '../../../drivers/frames.js';
import { createRandom } from '../../../learning/random.js';

/** A flat piece of the scene that faces the camera: x to the right, y down, from the optical axis; z away; metres. */
export interface Board {
  x: readonly [number, number];
  y: readonly [number, number];
  z: number;
}

const [wall, floor] = [4, 1.1];

/** Boxes of somebody who stands on the floor, `lean` metres forward with the trunk, arms hanging. */
export function person(x: number, z: number, lean = 0): Board[] {
  const [hip, neck, top] = [floor - 0.9, floor - 1.5, floor - 1.75];
  return [
    { x: [x - 0.1, x + 0.1], y: [top, neck], z: z - lean },
    { x: [x - 0.22, x + 0.22], y: [neck, hip], z: z - lean },
    { x: [x - 0.3, x - 0.23], y: [neck, hip + 0.1], z: z - lean },
    { x: [x + 0.23, x + 0.3], y: [neck, hip + 0.1], z: z - lean },
    { x: [x - 0.2, x - 0.04], y: [hip, floor - 0.06], z },
    { x: [x + 0.04, x + 0.2], y: [hip, floor - 0.06], z },
  ];
}

export interface SceneOptions {
  width?: number;
  height?: number;
  seed?: number;
  /** Share of pixels without a return, anywhere. */
  holes?: number;
  /** Only the boards return something. */
  removed?: boolean;
}

/** A room with a wall at 4 m and a floor 1.1 m below the camera, as a noisy camera that sees 60° shows it, in millimetres. */
export function createScene({ width = 160, height = 120, seed = 1, holes = 0, removed = false }: SceneOptions = {}) {
  const random = createRandom(seed);
  const focal = width / (2 * Math.tan(Math.PI / 6));
  return {
    /** Columns and rows [left, right, top, bottom] of what of a board is in the picture, pixels. */
    place({ x, y, z }: Board): [number, number, number, number] {
      const [u, v] = [
        (value: number) => width / 2 + (value * focal) / z,
        (value: number) => height / 2 + (value * focal) / z,
      ];
      const clip = (value: number, most: number) => Math.max(0, Math.min(most, Math.round(value)));
      return [clip(u(x[0]), width), clip(u(x[1]), width), clip(v(y[0]), height), clip(v(y[1]), height)];
    },
    picture(arrivalTime: number, boards: readonly Board[]): DepthFrame {
      const metres = new Float64Array(width * height);
      for (let i = 0; i < metres.length; i++) {
        const down = (Math.floor(i / width) + 0.5 - height / 2) / focal;
        if (!removed) metres[i] = down > 0 ? Math.min(wall, floor / down) : wall;
      }
      for (const board of boards) {
        const [left, right, top, bottom] = this.place(board);
        for (let row = top; row < bottom; row++) {
          for (let column = left; column < right; column++) {
            const at = row * width + column;
            metres[at] = metres[at] === 0 ? board.z : Math.min(metres[at]!, board.z);
          }
        }
      }
      const depth = Uint16Array.from(metres, (z) =>
        z === 0 || random.uniform() < holes ? 0 : Math.round(1000 * (z + 0.001425 * z * z * random.normal())),
      );
      return { kind: 'depth', arrivalTime, width, height, metresPerStep: 0.001, depth };
    },
  };
}
