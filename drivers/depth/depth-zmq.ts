/** Depth pictures over ZeroMQ, from any camera that a program can read: RealSense, OAK, Kinect, …
 *
 *     part 1   { "version": 1, "kind": "depth", "width": 640, "height": 480, "encoding": "z16", "metresPerStep": 0.001, … }
 *     part 2   uint16 little-endian [height, width], in steps of metresPerStep; 0: no return
 *
 * `message.ts` tells the frame of the message and the other keys. Defined by this project; senders: docs/senders.
 * Not yet seen on a device.
 */
import { z } from 'zod';
import type { Driver } from '../driver.js';
import type { DepthFrame } from '../frames.js';
import { commonHeader, copied, messageDecoder, side } from './message.js';

const settings = z.strictObject({
  rate: z.number().positive().max(1000).default(30).describe('Pictures a second that the sender sends.'),
});
export type DepthZmqSettings = z.infer<typeof settings>;

const header = z.object({
  ...commonHeader,
  kind: z.literal('depth'),
  width: side,
  height: side,
  encoding: z.literal('z16'),
  metresPerStep: z.number().positive().max(1),
});

const decoder = () =>
  messageDecoder<DepthFrame, z.infer<typeof header>>(header, ({ width, height, metresPerStep }, [picture], time) => {
    if (picture?.length !== 2 * width * height) return 'wrongSize';
    return { ...time, kind: 'depth', width, height, depth: new Uint16Array(copied(picture).buffer), metresPerStep };
  });

export const depthZmq: Driver<DepthFrame, DepthZmqSettings> = {
  name: 'depth-zmq',
  title: 'Depth camera over ZeroMQ',
  modality: 'depth',
  settings,
  transports: { zmq: true },
  seenOn: 'not yet seen on a device',
  decoder,
  recognises: (bytes) => decoder().push(bytes, 0).length > 0,
  nominalRate: ({ rate }) => rate,
};
