/** What a depth camera's or a body tracker's sender would publish: pictures and joints to ZeroMQ messages.
 *
 *     part 1   JSON: version 1, kind, what part 2 is, time (seconds on the sender's clock), frame (number of the picture)
 *     part 2   depth: uint16 [height, width] in millimetres      skeleton: float32 [people, joints, 3] in metres     little-endian
 *
 * Source: docs/drivers/depth-zmq.md and skeleton-zmq.md, the gateway's own format; docs/senders/generic.py sends it too.
 */

export interface Stamp {
  /** Seconds on the sender's clock. */
  readonly time: number;
  /** Number of the picture, one higher in each. */
  readonly frame: number;
}

/** @param depth [height, width] in millimetres; 0: no return */
export function encodeDepth(depth: Uint16Array, width: number, height: number, stamp: Stamp): Uint8Array[] {
  return [header({ kind: 'depth', width, height, encoding: 'z16', metresPerStep: 0.001, ...stamp }), bytesOf(depth)];
}

/** One person. @param joints [count, 3] metres, in the camera's axes */
export function encodeSkeleton(joints: Float32Array, layout: string, stamp: Stamp): Uint8Array[] {
  return [header({ kind: 'skeleton', layout, people: 1, joints: joints.length / 3, ...stamp }), bytesOf(joints)];
}

function header(keys: object): Uint8Array {
  return Buffer.from(JSON.stringify({ version: 1, ...keys }));
}

function bytesOf(numbers: Uint16Array | Float32Array): Uint8Array {
  return Buffer.copyBytesFrom(numbers);
}
