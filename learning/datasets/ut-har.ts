/** UT-HAR: Yousefi et al., 'A survey on behavior recognition using WiFi channel state information', IEEE Communications Magazine 2017, in the
 *  windows that SenseFi made of it (Yang et al., Patterns 2023): amplitudes of an Intel 5300 with three antennas, 7 activities.
 *
 *    UT_HAR/data/X_PART.csv    PART is train, val or test: NumPy files in spite of their name, [windows, 250 packets, 90] float64,
 *                              90 = 3 antennas × 30 subcarriers
 *    UT_HAR/label/y_PART.csv   NumPy files too: [windows], 0 … 6
 *
 *  Source: the README and dataset.py of github.com/xyanchen/WiFi-CSI-Sensing-Benchmark. The windows hold no times and no people, and overlap:
 *  parts drawn at random from them, as these are, are easier than anything new. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CsiAmplitudes, Loaded, RecordingAbout } from './dataset.js';
import { findDataset, loadEach } from './files.js';
import { finiteNumbers, readNpy } from './npy.js';

/** Label of each activity, as the numbers of the files go. */
export const utHarActivities = ['lie down', 'fall', 'walk', 'pick up', 'run', 'sit down', 'stand up'] as const;

export type UtHarPart = 'train' | 'val' | 'test';

export interface UtHarWindow extends RecordingAbout, CsiAmplitudes {
  readonly part: UtHarPart;
}

const packets = 250;
const receivers = 3;
const subcarriers = 30;
const perWindow = packets * receivers * subcarriers;
const fileName = /^(?:(.*)\/)?data\/X_(train|val|test)\.csv$/;

/**
 * All windows, in the order of the files; the windows of a part are one session.
 * @param data folder of the data set, or one that holds `ut-har` or `UT_HAR`
 * @throws DatasetError if no part is there, or none can be read
 */
export async function loadUtHar(
  data: string,
  { parts }: { parts?: readonly UtHarPart[] | undefined } = {},
): Promise<Loaded<UtHarWindow>> {
  const { folder, files } = await findDataset(
    [join(data, 'ut-har'), join(data, 'UT_HAR'), data],
    fileName,
    'no UT-HAR here. The folder must hold data/X_train.csv and label/y_train.csv and so on',
  );
  const order = ['train', 'val', 'test'];
  const wanted = files
    .map(([path, before, part]) => ({ path, before: before ?? '', part: part as UtHarPart }))
    .filter(({ part }) => parts?.includes(part) ?? true)
    .sort((a, b) => order.indexOf(a.part) - order.indexOf(b.part));
  return loadEach(folder, wanted, async ({ path, before, part }): Promise<UtHarWindow[]> => {
    const numbers = finiteNumbers(readNpy(await readFile(join(folder, path))), [0, packets, receivers * subcarriers]);
    const count = numbers.length / perWindow;
    const labels = readNpy(await readFile(join(folder, before, 'label', `y_${part}.csv`))).data;
    if (labels.length !== count) throw new Error(`it has ${count} windows, and ${labels.length} labels`);
    return Array.from({ length: count }, (_, w) => {
      const classIndex = labels[w]!;
      const label = utHarActivities[classIndex];
      if (label === undefined) throw new Error(`its window ${w} is of activity ${classIndex}, which is none`);
      const amplitude = numbers.subarray(w * perWindow, (w + 1) * perWindow);
      return { id: `${part}/${w}`, label, classIndex, session: part, part, receivers, subcarriers, amplitude };
    });
  });
}
