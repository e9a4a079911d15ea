/** The points of the frame in progress, in arrays that grow up to a limit and are used again for the next frame. */
import type { LidarFrame } from '../frames.js';

type Field = 'ring' | 'returnNumber';

export class PointBuffer {
  count = 0;
  position: Float32Array;
  intensity: Float32Array;
  time: Float32Array;
  ring: Uint16Array;
  /** 0 but where it is written. */
  returnNumber: Uint8Array;
  readonly #limit: number;
  readonly #fields: readonly Field[];

  /**
   * @param limit the most points that a frame can have
   * @param fields the fields besides position, intensity and time that the device has
   */
  constructor(limit: number, fields: readonly Field[] = []) {
    this.#limit = limit;
    this.#fields = fields;
    const points = Math.min(4096, limit);
    this.position = new Float32Array(3 * points);
    this.intensity = new Float32Array(points);
    this.time = new Float32Array(points);
    this.ring = new Uint16Array(fields.includes('ring') ? points : 0);
    this.returnNumber = new Uint8Array(fields.includes('returnNumber') ? points : 0);
  }

  /** Makes room for some more points. @returns false if that would be more than the limit */
  reserve(more: number): boolean {
    const needed = this.count + more;
    if (needed > this.#limit) return false;
    if (needed > this.time.length) {
      const points = Math.min(this.#limit, Math.max(needed, 2 * this.time.length));
      this.position = grown(this.position, new Float32Array(3 * points));
      this.intensity = grown(this.intensity, new Float32Array(points));
      this.time = grown(this.time, new Float32Array(points));
      if (this.#fields.includes('ring')) this.ring = grown(this.ring, new Uint16Array(points));
      if (this.#fields.includes('returnNumber')) this.returnNumber = grown(this.returnNumber, new Uint8Array(points));
    }
    return true;
  }

  /** Forgets the points. */
  clear(): void {
    this.returnNumber.fill(0, 0, this.count);
    this.count = 0;
  }

  /** The points so far as a frame; the buffer is empty afterwards. */
  take(arrivalTime: number, deviceTime: number | undefined): LidarFrame {
    const { count } = this;
    const frame: LidarFrame = {
      kind: 'lidar',
      arrivalTime,
      ...(deviceTime !== undefined && { deviceTime }),
      position: this.position.slice(0, 3 * count),
      intensity: this.intensity.slice(0, count),
      time: this.time.slice(0, count),
      ...(this.#fields.includes('ring') && { ring: this.ring.slice(0, count) }),
      ...(this.#fields.includes('returnNumber') && { returnNumber: this.returnNumber.slice(0, count) }),
    };
    this.clear();
    return frame;
  }
}

function grown<A extends Float32Array | Uint16Array | Uint8Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
