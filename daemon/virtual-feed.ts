/** What the devices around the virtual body send: each sample and picture at its time, in the device's own protocol. */
import type { WitmotionSettings } from '../drivers/imu/witmotion.js';
import { encodeDepth, encodeSkeleton } from '../room/camera-messages.js';
import { pictureHeight, pictureWidth } from '../room/depth-picture.js';
import type { PlayedChunk } from '../room/played-device.js';
import { virtualDepths, virtualSkeletons } from '../room/virtual-kinect.js';
import { virtualWrist } from '../room/virtual-wrist.js';
import { encodeWitmotion } from '../room/witmotion-encoder.js';

export type MessageChunk = PlayedChunk<Uint8Array[]>;

export function* virtualWristChunks(seed: number, device: WitmotionSettings): Generator<PlayedChunk> {
  const lasts = 1 / device.outputRate;
  for (const { time: at, label, acceleration, angularRate } of virtualWrist(seed, device.outputRate)) {
    yield { at, lasts, label, message: (time) => encodeWitmotion({ acceleration, angularRate, time }, device) };
  }
}

export function* virtualSkeletonChunks(seed: number, rate: number): Generator<MessageChunk> {
  let frame = 0;
  for (const { time: at, label, joints } of virtualSkeletons(seed, rate)) {
    const message = (time: number) => encodeSkeleton(joints, 'kinect-v1', { time, frame: frame++ });
    yield { at, lasts: 1 / rate, label, message };
  }
}

export function* virtualDepthChunks(seed: number, rate: number): Generator<MessageChunk> {
  let frame = 0;
  for (const { time: at, label, depth } of virtualDepths(seed, rate)) {
    const message = (time: number) => encodeDepth(depth, pictureWidth, pictureHeight, { time, frame: frame++ });
    yield { at, lasts: 1 / rate, label, message };
  }
}
