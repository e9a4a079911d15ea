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
  const pixels = copied(picture);
  // Four pixels at a time, as three words of 32 bits whose lowest byte is the first: on little-endian machines, which all are that
  // Node runs on but for the mainframes of IBM.
  const words = new Uint32Array(pixels.buffer, 0, 3 * Math.floor(pixels.length / 12));
  for (let i = 0; i < words.length; i += 3) {
    const a = words[i]!;
    const b = words[i + 1]!;
    const c = words[i + 2]!;
    words[i] = ((a >>> 16) & 0xff) | (a & 0xff00) | ((a & 0xff) << 16) | ((b & 0xff00) << 16);
    words[i + 1] = (b & 0xff0000ff) | ((a >>> 16) & 0xff00) | ((c & 0xff) << 16);
    words[i + 2] = ((b >>> 16) & 0xff) | ((c >>> 16) & 0xff00) | (c & 0xff0000) | ((c & 0xff00) << 16);
  }
  for (let i = words.byteLength; i < pixels.length; i += 3) {
    const first = pixels[i]!;
    pixels[i] = pixels[i + 2]!;
    pixels[i + 2] = first;
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
