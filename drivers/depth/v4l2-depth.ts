/** Depth cameras of Video4Linux2 with the format Z16 (RealSense and others), as `v4l2-ctl --stream-to-hdr=-` writes their pictures.
 *
 *     72 64 68 56  LL LL LL LL       'rdhV', length of the picture in bytes, uint32 big-endian
 *     picture                        uint16 little-endian [height, width]; 0: no return
 *
 * A row may be padded at its end, to `bytesPerLine`. The header makes it possible to find the next picture after bytes were
 * lost; it holds no size and no time, so the size comes from the settings.
 *
 * What one step is depends on the camera: 1 mm for most, and a RealSense as it leaves the factory.
 *
 * Sources: v4l-utils, utils/v4l2-ctl/v4l2-ctl-streaming.cpp (`write_buffer_to_file`, `FILE_HDR_ID`); Linux, 'V4L2_PIX_FMT_Z16'.
 * Not yet seen on a device.
 */
import { z } from 'zod';
import type { Decoder, Driver } from '../driver.js';
import type { DepthFrame } from '../frames.js';
import { side } from './message.js';

const settings = z.strictObject({
  width: side.default(640).describe("Pixels of a row; the same as the transport's."),
  height: side.default(480).describe("Rows; the same as the transport's."),
  bytesPerLine: z
    .int()
    .min(2)
    .max(32768)
    .multipleOf(2)
    .optional()
    .describe("Bytes of a row, where the camera pads its rows: 'Bytes per Line' of `v4l2-ctl --get-fmt-video`."),
  metresPerStep: z
    .number()
    .positive()
    .max(1)
    .default(0.001)
    .describe('Metres of one step of the depth: 0.001 for most cameras; a RealSense tells it as its depth units.'),
  rate: z.number().positive().max(1000).default(30).describe("Pictures a second; the same as the transport's."),
});
export type V4l2DepthSettings = z.infer<typeof settings>;

const magic = Uint8Array.of(0x72, 0x64, 0x68, 0x56);
const headerLength = 8;

function decoder({ width, height, bytesPerLine, metresPerStep }: V4l2DepthSettings): Decoder<DepthFrame> {
  const rowBytes = Math.max(2 * width, bytesPerLine ?? 0);
  const length = rowBytes * height;
  const expected = new Uint8Array(headerLength); // every header is the same
  expected.set(magic);
  const expectedView = new DataView(expected.buffer);
  expectedView.setUint32(magic.length, length);
  /** Its bytes 0 to 3, 1 to 4, 2 to 5, 3 to 6, as words of 32 bits. */
  const expectedWords = [0, 1, 2, 3].map((at) => expectedView.getInt32(at, true)) as [number, number, number, number];

  const failures = { wrongSize: 0, truncated: 0 };
  const counters = { frames: 0, bytes: 0, skippedBytes: 0, failures };

  let headerBytes = 0; // of the header that is coming in
  let picture: Uint8Array<ArrayBuffer> | undefined; // the one that is coming in
  let pictureBytes = 0;
  // Of a picture that is complete but ends as a header begins: bytes of the header at its end, and those with what followed.
  let atEnd = 0;
  let matched = 0;
  let completed = 0; // arrival of the picture's last byte

  /** Takes a byte where a header is expected or looked for. */
  function takeHeaderByte(byte: number): void {
    if (byte === expected[headerBytes]) {
      if (++headerBytes === headerLength) startPicture();
      return;
    }
    if (headerBytes >= magic.length) failures.wrongSize++;
    // The bytes so far are none of a header, but their end may be the beginning of one.
    counters.skippedBytes++;
    if (headerBytes === 0) return;
    const others = [...expected.subarray(1, headerBytes), byte];
    headerBytes = 0;
    for (const one of others) takeHeaderByte(one);
  }

  function startPicture(): void {
    picture = new Uint8Array(length);
    pictureBytes = 0;
  }

  /**
   * Where the last header within a picture begins, or −1. Wherever it lies, one of its first four bytes begins an aligned word of
   * 32 bits, so that a word each tells: every byte of every picture is looked at here. (Words are little-endian, as on all machines
   * that Node runs on but for the mainframes of IBM.)
   */
  function lastHeader(whole: Uint8Array<ArrayBuffer>, bytes: Buffer): number {
    const words = new Int32Array(whole.buffer, 0, length >> 2);
    const [word0, word1, word2, word3] = expectedWords;
    for (let i = words.length - 1; i >= 0; i--) {
      const word = words[i]!;
      if (word !== word0 && word !== word1 && word !== word2 && word !== word3) continue;
      const at = 4 * i - expectedWords.indexOf(word);
      if (at >= 0 && bytes.subarray(at, at + headerLength).equals(expected)) return at;
    }
    return -1;
  }

  /** The next picture's header within this one, or at its end and going on after it, tells that bytes of this one were lost. */
  function takePicture(whole: Uint8Array<ArrayBuffer>, arrivalTime: number, frames: DepthFrame[]): void {
    const bytes = Buffer.from(whole.buffer);
    const next = lastHeader(whole, bytes);
    if (next !== -1) {
      failures.truncated++;
      counters.skippedBytes += headerLength + next;
      startPicture();
      picture!.set(whole.subarray(next + headerLength));
      pictureBytes = length - next - headerLength;
      return;
    }
    matched = headerLength - 1;
    while (matched > 0 && !bytes.subarray(-matched).equals(expected.subarray(0, matched))) matched--;
    atEnd = matched;
    completed = arrivalTime;
    if (matched === 0) emit(whole, frames);
  }

  /** Takes a byte after a picture that ends as a header begins. */
  function takeDoubtfulByte(byte: number, whole: Uint8Array<ArrayBuffer>, frames: DepthFrame[]): void {
    if (byte === expected[matched]) {
      if (++matched < headerLength) return;
      failures.truncated++;
      counters.skippedBytes += headerLength + length - atEnd;
      startPicture();
      return;
    }
    const after = [...expected.subarray(atEnd, matched), byte];
    emit(whole, frames);
    for (const one of after) takeHeaderByte(one);
  }

  function emit(whole: Uint8Array<ArrayBuffer>, frames: DepthFrame[]): void {
    picture = undefined;
    headerBytes = 0;
    const depth = withoutPadding(new Uint16Array(whole.buffer), width, height);
    frames.push({ kind: 'depth', arrivalTime: completed, width, height, depth, metresPerStep });
    counters.frames++;
  }

  return {
    counters,
    push(bytes, arrivalTime) {
      const frames: DepthFrame[] = [];
      counters.bytes += bytes.length;
      for (let from = 0; from < bytes.length;) {
        if (picture === undefined) {
          if (headerBytes === 0) {
            const next = bytes.indexOf(magic[0]!, from);
            counters.skippedBytes += (next === -1 ? bytes.length : next) - from;
            if (next === -1) break;
            from = next;
          }
          takeHeaderByte(bytes[from++]!);
          continue;
        }
        if (pictureBytes === length) {
          takeDoubtfulByte(bytes[from++]!, picture, frames);
          continue;
        }
        const count = Math.min(bytes.length - from, length - pictureBytes);
        picture.set(bytes.subarray(from, from + count), pictureBytes);
        from += count;
        pictureBytes += count;
        if (pictureBytes === length) takePicture(picture, arrivalTime, frames);
      }
      return frames;
    },
  };
}

function withoutPadding(depth: Uint16Array, width: number, height: number): Uint16Array {
  if (depth.length === width * height) return depth;
  const rows = new Uint16Array(width * height);
  const stride = depth.length / height;
  for (let y = 0; y < height; y++) rows.set(depth.subarray(y * stride, y * stride + width), y * width);
  return rows;
}

export const v4l2Depth: Driver<DepthFrame, V4l2DepthSettings> = {
  name: 'v4l2-depth',
  title: 'Depth camera of Video4Linux2 (format Z16)',
  modality: 'depth',
  settings,
  transports: { v4l2: true },
  seenOn: 'not yet seen on a device',
  decoder,
  recognises: (bytes) => bytes.length >= headerLength && magic.every((value, i) => bytes[i] === value),
  nominalRate: ({ rate }) => rate,
};
