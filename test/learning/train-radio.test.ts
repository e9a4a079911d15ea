/** Towers of radar points and of Wi-Fi from real recordings: trained shortly, saved, read again, run. */
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { trainRadarTower, trainWifiTower } from '../../learning/train-radio.js';
import { windowLength } from '../../models/manifest.js';
import { loadTower, saveTower } from '../../models/store.js';
import type { Tower } from '../../models/store.js';
import { openTower } from '../../models/tower-session.js';

const recordings = process.env['SENSING_DATA'];
const skip = recordings ? false : 'skipped: no recordings';
const request = { train: [2], test: [1], seed: 0, threads: 1, members: 1, gatewayVersion: '0.0.0' };

/** Sum of a window's probabilities, by the tower as it lies on the disk. */
async function runs(folder: string, tower: Tower): Promise<number> {
  await saveTower(folder, tower);
  const loaded = await loadTower(folder);
  const session = await openTower(loaded, 'cpu', 1);
  const { probabilities } = await session.run(new Float32Array(windowLength(loaded.manifest)), 1);
  await session.release();
  return probabilities.reduce((sum, value) => sum + value, 0);
}

void t.test('MARS: ten movements of another person, after one epoch', { skip, timeout: 120_000 }, async (t) => {
  const { tower, evaluation, trainRecordings } = await trainRadarTower({ ...request, data: recordings!, epochs: 1 });
  t.match(tower.manifest, {
    modality: 'mmwave',
    trainedOn: { datasets: [{ dataset: 'mars', subjects: [2] }] },
    figures: { testSubjects: [1], testRecordings: 10 },
  });
  t.equal(tower.manifest.classes.length, 10);
  t.equal(trainRecordings, 10);
  t.ok(evaluation!.windowAccuracy > 0.2, `${evaluation!.windowAccuracy} of windows, by chance 0.1`);
  t.ok(Math.abs((await runs(t.testdir(), tower)) - 1) < 1e-4);
});

void t.test('WiAR: odd repetitions learned, even ones tested', { skip, timeout: 120_000 }, async (t) => {
  const data = t.testdir();
  const from = join(recordings!, 'wiar', 'height-60');
  await mkdir(join(data, 'height-60'));
  for (const activity of [1, 12])
    for (const repetition of [1, 2, 3, 4, 5]) {
      const name = `csi_a${activity}_${repetition}.dat`;
      await symlink(join(from, name), join(data, 'height-60', name));
    }
  const { tower, evaluation, trainRecordings } = await trainWifiTower({ ...request, data, epochs: 2 });
  t.equal(trainRecordings, 6);
  t.match(tower.manifest, { modality: 'wifi', trainedOn: { datasets: [{ dataset: 'wiar', subjects: [] }] } });
  t.equal(tower.manifest.classes.length, 16);
  t.notOk('testSubjects' in tower.manifest.figures, 'WiAR does not say who');
  t.strictSame(evaluation!.recordings.map(({ id }) => id).sort(), ['height-60/12_2', 'height-60/12_4', 'height-60/1_2', 'height-60/1_4']); // prettier-ignore
  t.ok(evaluation!.recordings.every(({ windows }) => windows.length > 0));
  t.ok(Math.abs((await runs(join(data, 'tower'), tower)) - 1) < 1e-4);
});
