/** Colour pictures over ZeroMQ.
 *
 *     part 1   { "version": 1, "kind": "video", "width": 640, "height": 480, "encoding": "rgb8", … }
 *     part 2   uint8 [height, width, 3]: red, green, blue (rgb8), or blue, green, red (bgr8, as OpenCV has them)
 *
 * Compressed pictures are not read: have the sender scale them down instead. `message.ts` tells the frame of the message and
 * the other keys. Defined by this project; senders: docs/senders. Not yet seen on a device.
 */
import { z } from 'zod';
import type { Driver } from '../driver.js';
import type { VideoFrame } from '../frames.js';
import { commonHeader, copied, messageDecoder, side } from './message.js';

const settings = z.strictObject({
  rate: z.number().positive().max(1000).default(30).describe('Pictures a second that the sender sends.'),
});
export type VideoZmqSettings = z.infer<typeof settings>;

const header = z.object({
  ...commonHeader,
  kind: z.literal('video'),
  width: side,
  height: side,
  encoding: z.literal(['rgb8', 'bgr8']),
});

const decoder = () =>
  messageDecoder<VideoFrame, z.infer<typeof header>>(header, ({ width, height, encoding }, [picture], time) => {
    if (picture?.length !== 3 * width * height) return 'wrongSize';
    return { ...time, kind: 'video', width, height, pixels: encoding === 'rgb8' ? copied(picture) : swapped(picture) };
  });

/** A copy with the first and the third of each three bytes exchanged. */
function swapped(picture: Uint8Array): Uint8Array {
  const pixels = new Uint8Array(picture.length);
  for (let i = 0; i < pixels.length; i += 3) {
    pixels[i] = picture[i + 2]!;
    pixels[i + 1] = picture[i + 1]!;
    pixels[i + 2] = picture[i]!;
  }
  return pixels;
}

export const videoZmq: Driver<VideoFrame, VideoZmqSettings> = {
  name: 'video-zmq',
  title: 'Colour camera over ZeroMQ',
  modality: 'video',
  settings,
  transports: { zmq: true },
  seenOn: 'not yet seen on a device',
  decoder,
  recognises: (bytes) => decoder().push(bytes, 0).length > 0,
  nominalRate: ({ rate }) => rate,
};
