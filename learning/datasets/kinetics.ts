/** Clips of Kinetics: Kay et al., 'The Kinetics human action video dataset', arXiv:1705.06950. It is published as MP4 files of some 10 s,
 *
 *    SPLIT/CLASS/ID_START_END.mp4        for instance train/arm wrestling/__NrybzYzUg_000415_000425.mp4
 *
 *  which nothing here decodes. What is read is each clip decoded beforehand, in the same folders:
 *
 *    SPLIT/CLASS/ID_START_END.npy        [frames, height, width, 3] bytes, red, green, blue
 *
 *  all at one number of frames a second, which the caller says; docs/datasets.md has a command. Any clips in folders of classes can be read
 *  so. Source: the READMEs of github.com/cvdfoundation/kinetics-dataset. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { VideoFrame } from '../../drivers/frames.js';
import { DatasetError } from './dataset.js';
import type { Loaded, RecordingAbout } from './dataset.js';
import { findDataset } from './files.js';
import { readNpy } from './npy.js';

/** A clip, read when it is asked for. */
export interface KineticsClip extends RecordingAbout {
  /** `train` and so on; '' where the folders of classes lie in none. */
  readonly split: string;
  readonly file: string;
  /** Times from 0 on. Rejects with an Error that begins with 'it', where the file cannot be used. */
  read(): Promise<readonly VideoFrame[]>;
}

const fileName = /^(?:(.*)\/)?([^/]+)\/(([^/]+?)(?:_\d{6}_\d{6})?)\.npy$/;

/** @throws Error that begins with 'it' */
function framesOf(bytes: Uint8Array, rate: number): VideoFrame[] {
  const { shape, data } = readNpy(bytes);
  const [count, height, width, channels] = shape;
  if (!(data instanceof Uint8Array) || shape.length !== 4 || channels !== 3 || !count || !height || !width)
    throw new Error(`it is of [${shape.join(', ')}], not [frames, height, width, 3] of bytes`);
  const size = height * width * 3;
  return Array.from({ length: count }, (_, i) => {
    const pixels = data.subarray(i * size, (i + 1) * size);
    return { kind: 'video', arrivalTime: i / rate, deviceTime: i / rate, width, height, pixels };
  });
}

/**
 * All clips, in the order of split, class, name; none is opened, so `unreadable` is empty. A class's index is its place among the names of the
 * classes that are there; the session is the video that a clip was cut from.
 * @param data folder of the clips, or one that holds `kinetics`
 * @param rate frames a second of every clip
 * @throws DatasetError if none is there, or none of the classes
 */
export async function loadKinetics(
  data: string,
  { rate, classes }: { rate: number; classes?: readonly string[] | undefined },
): Promise<Loaded<KineticsClip>> {
  if (!(rate > 0)) throw new DatasetError(`${data}: ${rate} frames a second cannot be`);
  const { folder, files } = await findDataset(
    [join(data, 'kinetics'), data],
    fileName,
    'no clips here. The folder must hold train/CLASS/CLIP.npy and so on, decoded beforehand',
  );
  const labels = [...new Set(files.map(([, , label]) => label!))].sort();
  const recordings = files
    .filter(([, , label]) => classes?.includes(label!) ?? true)
    .map(([path, split, label, , video]): KineticsClip => {
      const file = join(folder, path);
      return {
        id: path.replace(/\.npy$/, ''),
        label: label!,
        classIndex: labels.indexOf(label!),
        session: video!,
        split: split ?? '',
        file,
        read: async () => framesOf(await readFile(file), rate),
      };
    });
  if (recordings.length === 0)
    throw new DatasetError(`${folder}: no clip of ${classes?.join(', ') ?? 'any class'}. There: ${labels.join(', ')}`);
  return { recordings, unreadable: [] };
}
