/** A radar's raw samples in a NumPy file, as OpenRadar keeps them: one frame.
 *
 *    complex64 or complex128, C order, [chirp loops, transmitters · receivers, samples]; of one antenna also [chirp loops, samples]
 *
 *  Real and imaginary part are the converter's steps, int16; some files have those that were read as uint16, 65535 for −1. Source:
 *  PreSenseRadar/OpenRadar, mmwave/dataloader/adc.py, `organize`; numpy/lib/format.py. */
import { open } from 'node:fs/promises';
import { parseProfile } from '../../drivers/mmwave/profile.js';
import type { RadarCubeFrame } from '../../drivers/frames.js';

const magic = Buffer.from([0x93, ...Buffer.from('NUMPY')]);

export async function isNpy(file: string): Promise<boolean> {
  const handle = await open(file);
  const beginning = Buffer.alloc(magic.length);
  await handle.read(beginning, 0, magic.length, 0).finally(() => handle.close());
  return beginning.equals(magic);
}

interface Header {
  /** Bytes of a number's real or imaginary part. */
  readonly size: 4 | 8;
  readonly shape: readonly number[];
  /** Where the numbers begin. */
  readonly begin: number;
}

function headerOf(file: Buffer): Header {
  if (file.length < 12) throw new Error('it is cut off');
  const lengthSize = file[6] === 1 ? 2 : 4;
  const begin = 8 + lengthSize + file.readUIntLE(8, lengthSize);
  const text = file.toString('latin1', 8 + lengthSize, Math.min(begin, 4096));
  const type = /'descr'\s*:\s*'<c(8|16)'/.exec(text);
  const axes = /'shape'\s*:\s*\(([\d, ]*)\)/.exec(text);
  if (!type) throw new Error('it holds no complex numbers (complex64 or complex128, little-endian)');
  if (!axes || !/'fortran_order'\s*:\s*False/.test(text)) throw new Error('it has no shape in C order');
  const shape = axes[1]!
    .split(',')
    .filter((axis) => axis.trim() !== '')
    .map(Number);
  const size = type[1] === '8' ? 4 : 8;
  const bytes = shape.reduce((product, length) => product * length, 2 * size);
  if (bytes !== file.length - begin)
    throw new Error(`it says [${shape.join(', ')}] and holds ${file.length - begin} bytes of numbers`);
  return { size, shape, begin };
}

/**
 * @param file a whole .npy file
 * @param profileText of the radar's .cfg profile
 * @throws Error with one line, which begins with 'it' where the file is wrong
 */
export function cubeOfNpy(file: Buffer, profileText: string): RadarCubeFrame {
  const { size, shape, begin } = headerOf(file);
  const profile = parseProfile(profileText);
  const { chirpLoops, chirpTransmitters, samples } = profile.subframes[0]!;
  const transmitters = chirpTransmitters.length;
  const { receivers } = profile;
  const antennas = transmitters * receivers;
  const wanted = [chirpLoops, antennas, samples];
  const given = shape.length === 2 ? [shape[0], 1, shape[1]] : shape;
  if (String(given) !== String(wanted))
    throw new Error(
      `it is of [${shape.join(', ')}], and the profile of [${wanted.join(', ')}]: name the one it was made with`,
    );
  const data = new Int16Array(2 * chirpLoops * antennas * samples);
  for (let i = 0, at = begin; i < data.length; i++, at += size) {
    const value = size === 8 ? file.readDoubleLE(at) : file.readFloatLE(at);
    if (!Number.isInteger(value) || value < -32768 || value > 65535)
      throw new Error(`it holds ${value}, which is no step of a converter of 16 bits`);
    data[i] = value;
  }
  return {
    kind: 'radar-cube',
    arrivalTime: 0,
    shape: [chirpLoops, transmitters, receivers, samples],
    components: 2,
    data,
    missing: 0,
  };
}
