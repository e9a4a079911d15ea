/** Bosch / CEVA (Hillcrest) BNO080, BNO085, BNO086 in UART-RVC mode ('robot vacuum cleaner'), 115200 baud, 100 reports a second.
 *
 *     AA AA IX  YL YH PL PH RL RH  XL XH YL YH ZL ZH  r r r  SUM
 *
 *     IX      index, one higher in each report
 *     Y P R   yaw, pitch, roll, int16 × 0.01°, to be applied in this order; yaw counts from the last reset
 *     X Y Z   acceleration with gravity, int16 × 0.001 g
 *     r       reserved
 *     SUM     low byte of the sum of the bytes from IX to the last r
 *
 * All numbers are little-endian.
 *
 * THE DEVICE SENDS NO ANGULAR RATE. It is derived here: the rotation from one report's orientation to the next one's, as a
 * vector in the sensor's axes, divided by 0.01 s. So it is the mean over the 10 ms before the report, in steps of about
 * 1 °/s (0.01° in 10 ms), and smoothed as the device's orientation is. Where an index is missing there is no such
 * difference, and the report after the gap gives no frame.
 *
 * Axes: the maker's text has pitch turn about Y and roll about X. Its own example has not: −1.10° pitch, 20.85° roll,
 * −0.371 g, −0.020 g, 0.977 g is, to within the steps, gravity seen by a sensor that is turned by the pitch about X, then
 * by the roll about Y (−0.356, −0.019, 0.934, times 1.045), and that is what this driver takes them for. A sensor at rest
 * tells: `tiltDisagrees` counts reports whose acceleration and angles do not agree on where up is; `pitchAxis` changes it.
 *
 * Source: CEVA, 'BNO080/85/86 Data Sheet', 1000-3927, section 1.3.5.2 (UART-RVC protocol). Not yet seen on a device.
 */
import { z } from 'zod';
import type { Decoder, Driver } from '../driver.js';
import type { ImuFrame } from '../frames.js';
import { streamBuffer } from '../stream-buffer.js';

const settings = z.strictObject({
  pitchAxis: z
    .literal(['x', 'y'])
    .default('x')
    .describe(
      "Axis that the angle called pitch turns about; roll has the other. `x` is what the data sheet's example shows, `y` what its text says. Change it if `tiltDisagrees` rises at rest.",
    ),
});
export type BnoRvcSettings = z.infer<typeof settings>;

const [header, packetLength] = [0xaa, 19];
const rate = 100; // reports a second
const metresPerStep = 9.80665 / 1000; // m/s² in a thousandth of g
const halfRadiansPerStep = Math.PI / 180 / 100 / 2;
/** Acceleration is taken for gravity, and so tells where up is, if its length is 1 g within this part. */
const restBand = 0.05;
const largestTilt = Math.cos((15 * Math.PI) / 180);

type Quaternion = readonly [w: number, x: number, y: number, z: number];

function decoder({ pitchAxis }: BnoRvcSettings): Decoder<ImuFrame> {
  const failures = { badChecksum: 0, lostPackets: 0, tiltDisagrees: 0 };
  const counters = { frames: 0, bytes: 0, skippedBytes: 0, failures };

  const stream = streamBuffer(4096);
  const { bytes: buffer, view } = stream;
  let previous: { index: number; orientation: Quaternion } | undefined;

  function takePacket(at: number, arrivalTime: number, frames: ImuFrame[]): void {
    const index = buffer[at + 2]!;
    const half = (i: number) => view.getInt16(at + 3 + 2 * i, true) * halfRadiansPerStep;
    const orientation = fromAngles(half(0), half(1), half(2), pitchAxis);
    const acceleration = new Float32Array(3);
    for (let i = 0; i < 3; i++) acceleration[i] = view.getInt16(at + 9 + 2 * i, true) * metresPerStep;
    if (!agree(orientation, acceleration)) failures.tiltDisagrees++;

    const lost = previous === undefined ? 0 : (index - previous.index - 1) & 0xff;
    failures.lostPackets += lost;
    if (previous !== undefined && lost === 0) {
      const angularRate = rotationVector(previous.orientation, orientation);
      for (let i = 0; i < 3; i++) angularRate[i]! *= rate;
      frames.push({ kind: 'imu', arrivalTime, acceleration, angularRate, quaternion: Float32Array.from(orientation) });
      counters.frames++;
    }
    previous = { index, orientation };
  }

  /** Takes what can be taken of the buffer; what is left is the beginning of a packet. */
  function takeBuffer(arrivalTime: number, frames: ImuFrame[]): number {
    let at = 0;
    while (at < stream.held) {
      if (buffer[at] === header && (at + 1 === stream.held || buffer[at + 1] === header)) {
        if (stream.held - at < packetLength) break;
        let sum = 0;
        for (let i = at + 2; i < at + packetLength - 1; i++) sum += buffer[i]!;
        if ((sum & 0xff) === buffer[at + packetLength - 1]) {
          takePacket(at, arrivalTime, frames);
          at += packetLength;
          continue;
        }
        failures.badChecksum++;
      }
      counters.skippedBytes++;
      at++;
    }
    return at;
  }

  return stream.decoder(counters, takeBuffer);
}

/** The turn of the sensor from level: yaw about Z, then pitch about its own X (or Y), then roll about its own Y (or X). Half angles. */
function fromAngles(yaw: number, pitch: number, roll: number, pitchAxis: 'x' | 'y'): Quaternion {
  const x = pitchAxis === 'x';
  const about = (angle: number, isX: boolean): Quaternion =>
    isX ? [Math.cos(angle), Math.sin(angle), 0, 0] : [Math.cos(angle), 0, Math.sin(angle), 0];
  const turn = multiply(multiply([Math.cos(yaw), 0, 0, Math.sin(yaw)], about(pitch, x)), about(roll, !x));
  return turn[0] < 0 ? [-turn[0], -turn[1], -turn[2], -turn[3]] : turn;
}

function multiply([aw, ax, ay, az]: Quaternion, [bw, bx, by, bz]: Quaternion): Quaternion {
  return [
    aw * bw - ax * bx - ay * by - az * bz,
    aw * bx + ax * bw + ay * bz - az * by,
    aw * by - ax * bz + ay * bw + az * bx,
    aw * bz + ax * by - ay * bx + az * bw,
  ];
}

/** The rotation from one orientation to the next, in the sensor's axes, rad. */
function rotationVector([w, x, y, z]: Quaternion, to: Quaternion): Float32Array {
  const turn = multiply([w, -x, -y, -z], to);
  const sine = Math.hypot(turn[1], turn[2], turn[3]);
  // The shorter way round: the same orientation has two quaternions.
  const angle = 2 * Math.atan2(sine, Math.abs(turn[0])) * (turn[0] < 0 ? -1 : 1);
  const scale = sine === 0 ? 0 : angle / sine;
  return Float32Array.of(turn[1] * scale, turn[2] * scale, turn[3] * scale);
}

/** Whether up is where the acceleration is; true where it tells nothing, in motion. */
function agree([w, x, y, z]: Quaternion, acceleration: Float32Array): boolean {
  const [ax, ay, az] = acceleration as unknown as [number, number, number];
  const length = Math.hypot(ax, ay, az);
  if (Math.abs(length / (1000 * metresPerStep) - 1) > restBand) return true;
  const cosine = (2 * (x * z - w * y) * ax + 2 * (y * z + w * x) * ay + (1 - 2 * (x * x + y * y)) * az) / length;
  return cosine > largestTilt;
}

export const bno08xRvc: Driver<ImuFrame, BnoRvcSettings> = {
  name: 'bno08x-rvc',
  title: 'Bosch / CEVA BNO08x in UART-RVC mode (angular rate derived from its orientation)',
  modality: 'imu',
  settings,
  transports: { serial: { baudRate: 115200 }, tcp: true },
  seenOn: 'not yet seen on a device',
  decoder,
  recognises: (bytes) => decoder(settings.parse({})).push(bytes.subarray(0, 4096), 0).length > 0,
  nominalRate: () => rate,
};
