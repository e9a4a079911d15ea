/** What a DCA1000 sends for a radar that has frames of 262,144 bytes. */

/** 64 loops of two chirps, four receivers, 128 complex samples. */
export const dca1000FrameBytes = 64 * 2 * 4 * 128 * 4;

/** The radar's profile, as TI's mmWave Demo Visualizer writes them, 20 frames a second. */
export const dca1000Profile = `% Platform:xWR18xx
dfeDataOutputMode 1
channelCfg 15 3 0
adcCfg 2 1
adcbufCfg -1 0 1 1 1
profileCfg 0 77 267 7 57.14 0 0 70 1 128 5209 0 0 30
chirpCfg 0 0 0 0 0 0 0 1
chirpCfg 1 1 0 0 0 0 0 2
frameCfg 0 1 64 0 50 1 0
lvdsStreamCfg -1 0 1 0
`;

const headLength = 10;
const dataLength = 1456;

/** Samples of one frame: a target, and noise. */
export function dca1000Frame(): Uint8Array {
  const samples = Int16Array.from(
    { length: dca1000FrameBytes / 2 },
    (_, i) => 800 * Math.cos(i / 9) + ((i * 40503) % 200) - 100,
  );
  return new Uint8Array(samples.buffer);
}

/** One datagram: u32 sequence from 1, u48 bytes before it, data (TI SPRUIJ4A, section 5.2), into `datagram`. */
export function writeDca1000Datagram(datagram: Uint8Array, frame: Uint8Array, index: number): Uint8Array {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.length);
  const position = index * dataLength;
  view.setUint32(0, index + 1, true);
  view.setUint32(4, position % 2 ** 32, true);
  view.setUint16(8, Math.floor(position / 2 ** 32), true);
  const from = position % frame.length;
  const first = frame.subarray(from, from + dataLength);
  datagram.set(first, headLength);
  datagram.set(frame.subarray(0, dataLength - first.length), headLength + first.length);
  return datagram;
}

export const newDca1000Datagram = () => new Uint8Array(headLength + dataLength);

/** Frames whose last byte lies within that many datagrams. */
export const dca1000FramesIn = (datagrams: number) => Math.floor((datagrams * dataLength) / dca1000FrameBytes);
export const dca1000DatagramsPerFrame = dca1000FrameBytes / dataLength;

/** The same frame again and again. */
export function* dca1000Datagrams(frame: Uint8Array, frames: number): Generator<Uint8Array> {
  for (let k = 0; k < Math.ceil(frames * dca1000DatagramsPerFrame); k++)
    yield writeDca1000Datagram(newDca1000Datagram(), frame, k);
}
