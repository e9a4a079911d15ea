/**
 * Three VIRTUAL devices that watch one body, for benchmarks of what a place fuses: nothing of what they send was measured. They speak
 * their protocols to the gateway over loopback sockets, at their full rates.
 *
 *     imu        WT901, 200 samples a second, TCP                    a swinging wrist, never at rest: each window asks the tower
 *     skeleton   Kinect v2, 25 joints, 30 a second, ZeroMQ           an arm that is raised and lowered
 *     depth      640 × 480, 30 pictures a second, ZeroMQ             an empty room for some seconds, then somebody who walks to and fro
 */
import { loadTower, shippedTowerDirectory } from '../models/store.js';
import { encodeDepth, encodeSkeleton } from '../room/camera-messages.js';
import { tcpOutlet, zmqOutlet } from '../room/outlet.js';
import { playDevice } from '../room/played-device.js';
import type { PlayedChunk } from '../room/played-device.js';
import { encodeWitmotion } from '../room/witmotion-encoder.js';
import { kinectV2Pose } from './poses.js';
import { depthPicture, depthSize } from './scenes.js';

/** Of the devices; a tower of each is shipped. */
export const threeModalities = ['imu', 'skeleton', 'depth'] as const;
export type ThreeModality = (typeof threeModalities)[number];

export const virtualDevices = 'virtual: made up by the bench, sent over the devices’ protocols';

const rates = { imu: 200, skeleton: 30, depth: 30 };
/** Seconds of an empty room, of which the gateway learns the background. */
const emptyFor = 4;
const swingsPerSecond = 1.5;
const raisesPerSecond = 0.5;

function* timed<Message>(
  rate: number,
  message: (unit: number, time: number) => Message,
): Generator<PlayedChunk<Message>> {
  for (let unit = 0; ; unit++)
    yield { at: unit / rate, lasts: 1 / rate, label: 'made up', message: (time) => message(unit, time) };
}

function wrist(unit: number, time: number): Uint8Array {
  const swing = Math.sin((2 * Math.PI * swingsPerSecond * unit) / rates.imu);
  return encodeWitmotion({
    acceleration: [9.8 + 6 * swing, 4 * swing, 2],
    angularRate: [2 * swing, 3 * swing, 1],
    time,
  });
}

function body(unit: number, time: number): Uint8Array[] {
  const pose = kinectV2Pose((unit * raisesPerSecond) / rates.skeleton);
  return encodeSkeleton(pose, 'kinect-v2', { time, frame: unit });
}

function pictures() {
  const count = 45;
  const empty = Array.from({ length: 8 }, (_, k) => depthPicture(false, k, 8));
  const walk = Array.from({ length: count }, (_, k) => depthPicture(true, k, count));
  const toAndFro = [...walk, ...walk.toReversed()];
  return (unit: number, time: number) => {
    const shown = unit < emptyFor * rates.depth ? empty : toAndFro;
    return encodeDepth(shown[unit % shown.length]!, depthSize.width, depthSize.height, { time, frame: unit });
  };
}

/** @returns the sensors as a configuration has them, and what all their towers' windows have in common */
export async function startThreeDevices() {
  const [imu, skeleton, depth] = await Promise.all([tcpOutlet(), zmqOutlet(), zmqOutlet()]);
  const players = [
    playDevice(timed(rates.imu, wrist), imu),
    playDevice(timed(rates.skeleton, body), skeleton),
    playDevice(timed(rates.depth, pictures()), depth),
  ];
  const { rate, hop } = (await loadTower(shippedTowerDirectory('imu'))).manifest.window;
  return {
    /** Seconds from a window's start to the next one's. */
    hop: hop / rate,
    sensors: {
      wrist: {
        driver: 'witmotion-wt901',
        transport: { type: 'tcp', host: imu.host, port: imu.port },
        settings: { outputRate: rates.imu },
      },
      tracker: {
        driver: 'skeleton-zmq',
        transport: { type: 'zmq', endpoint: skeleton.endpoint },
        settings: { rate: rates.skeleton },
      },
      camera: {
        driver: 'depth-zmq',
        transport: { type: 'zmq', endpoint: depth.endpoint },
        settings: { rate: rates.depth },
      },
    },
    close: () => Promise.all(players.map((player) => player.close())),
  };
}

/** How long before its window's end the last instant of each shipped tower's windows lies, seconds. */
export async function lastInstants(): Promise<Readonly<Record<ThreeModality, number>>> {
  const of = async (modality: ThreeModality) =>
    1 / (await loadTower(shippedTowerDirectory(modality))).manifest.window.rate;
  return { imu: await of('imu'), skeleton: await of('skeleton'), depth: await of('depth') };
}
