/** Windows of the data sets, as `align` and `grow` read them. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { encodeSource } from '../../daemon/learning/encode.js';
import { seenPeople } from '../../daemon/learning/gather.js';
import { pairedSource, protocolOf } from '../../daemon/learning/sources/find.js';
import { marsSource } from '../../daemon/learning/sources/mars.js';
import type { WindowSource } from '../../daemon/learning/sources/source.js';
import { utdMhadSource } from '../../daemon/learning/sources/utd-mhad.js';
import { wiarSource } from '../../daemon/learning/sources/wiar.js';
import { commonLabel } from '../../learning/common-labels.js';
import { utdMhadActions } from '../../learning/datasets/utd-mhad.js';
import { mmwavePointsEncoder } from '../../models/towers/mmwave-points.js';
import { wifiGruEncoder } from '../../models/towers/wifi-gru.js';
import { skeletonEncoder } from '../../models/towers/skeleton.js';
import { windowSize } from '../../models/towers/encoder.js';
import { limuBert } from '../../models/towers/imu.js';
import { model, tower } from '../models/towers.js';

const data = process.env['SENSING_DATA'] ?? '';
const skip = (folder: string) => (data && existsSync(join(data, folder)) ? false : 'skipped: no recordings');

function read(source: WindowSource, sizes: Readonly<Record<string, number>>, row: number, version: number) {
  const out = Object.fromEntries(Object.entries(sizes).map(([name, size]) => [name, new Float32Array(size).fill(NaN)]));
  source.write(row, version, out);
  return out;
}

void t.test(
  'UTD-MHAD: all sensors of one moment, as recorded or changed alike',
  { skip: skip('utd-mhad') },
  async (t) => {
    const names = ['imu', 'skeleton'];
    const sizes = { imu: windowSize(limuBert), skeleton: windowSize(skeletonEncoder) };
    const part = await mkdtemp(join(tmpdir(), 'sources-'));
    t.teardown(() => rm(part, { recursive: true }));
    for (const kind of ['Inertial', 'Skeleton']) {
      await mkdir(join(part, kind));
      for (const action of [1, 13, 27]) {
        const name = `a${action}_s2_t1_${kind.toLowerCase()}.mat`;
        await symlink(join(data, 'utd-mhad', kind, name), join(part, kind, name));
      }
    }
    const source = await utdMhadSource({ data: part, names, subjects: [2], seed: 3 });
    t.equal(source.title, 'UTD-MHAD, subjects 2');
    t.strictSame(
      [...new Set(source.rows.map(({ label }) => label))],
      [0, 12, 26].map((action) => utdMhadActions[action]),
    );
    t.strictSame([...new Set(source.rows.map(({ group }) => group))], [0, 1, 2]);
    const [recorded, copy, another] = [0, 1, 2].map((version) => read(source, sizes, 1, version));
    for (const name of names) {
      for (const windows of [recorded, copy, another]) t.ok(windows![name]!.every(Number.isFinite), name);
      t.notSame(copy![name], recorded![name]);
      t.notSame(copy![name], another![name]);
    }
    t.strictSame(read(source, sizes, 1, 1), copy, 'a version is what it is');
    const gravity = Math.hypot(...recorded!['imu']!.subarray(0, 3));
    t.ok(gravity > 5 && gravity < 20, `${gravity} m/s²`);
  },
);

void t.test('WiAR: Wi-Fi of odd repetitions, for pairs by label', { skip: skip('wiar') }, async (t) => {
  const part = await mkdtemp(join(tmpdir(), 'sources-'));
  t.teardown(() => rm(part, { recursive: true }));
  await mkdir(join(part, 'height-60'));
  for (const name of ['csi_a1_1.dat', 'csi_a1_2.dat', 'csi_a16_3.dat'])
    await symlink(join(data, 'wiar', 'height-60', name), join(part, 'height-60', name));
  await writeFile(join(part, 'height-60', 'csi_a2_1.dat'), 'no packet');
  const source = await wiarSource({ data: part, names: ['wifi'], seed: 3 });
  t.strictSame([...new Set(source.rows.map(({ label }) => commonLabel(label)))], ['wave', 'squat']);
  t.notOk(
    source.rows.some(({ recording }) => recording.endsWith('_2')),
    'even repetitions are for tests',
  );
  t.equal(source.unreadable.length, 1);
  const sizes = { wifi: windowSize(wifiGruEncoder) };
  const [recorded, copy] = [0, 1].map((version) => read(source, sizes, 1, version)['wifi']!);
  t.ok(recorded!.every(Number.isFinite) && copy!.every(Number.isFinite));
  t.notSame(copy, recorded);
  t.strictSame(read(source, sizes, 1, 1)['wifi'], copy);
});

void t.test('MARS: radar and skeleton of the same moments', { skip: skip('mars') }, async (t) => {
  const names = ['mmwave', 'skeleton'];
  const sizes = { mmwave: windowSize(mmwavePointsEncoder), skeleton: windowSize(skeletonEncoder) };
  const source = await marsSource({ data, names, subjects: [1], seed: 3 });
  t.ok(source.rows.length > 400, `${source.rows.length} windows`);
  for (const row of [0, source.rows.length - 1])
    for (const version of [0, 1]) {
      const windows = read(source, sizes, row, version);
      for (const name of names) {
        t.ok(windows[name]!.every(Number.isFinite), name);
        t.ok(
          windows[name]!.some((value) => value !== 0),
          name,
        );
      }
    }
});

void t.test('an encoder of other windows is told what it would have to read', async (t) => {
  const encoders = new Map([
    ['imu', tower()],
    ['skeleton', tower()],
  ]);
  const request = { data, names: ['imu', 'skeleton'], seed: 0 };
  await t.rejects(
    pairedSource(encoders, request),
    /imu reads \[2, 2\] at 50 Hz, the data set's windows are \[152, 6\] at 50 Hz/,
  );
  await t.rejects(
    pairedSource(encoders, { ...request, names: ['imu', 'lidar'] }),
    /no data set has imu and lidar of the same moments/,
  );
  t.strictSame(protocolOf(['mmwave', 'skeleton'])!.test, [1]);
  t.equal(commonLabel('squats'), commonLabel('squat'));
  t.end();
});

void t.test('encoder outputs: versions after one another, and an encoder that fails is named', async (t) => {
  const rows = ['a', 'b', 'c'].map((recording, group) => ({ recording, group, label: 'x' }));
  const source: WindowSource = {
    ...{ title: 'made up', dataset: 'none', terms: 'none', names: ['imu'], rows, unreadable: [], digest: '1' },
    write: (row, version, out) => out['imu']!.fill(row + 10 * version),
  };
  const outputs = await encodeSource(source, new Map([['imu', tower()]]), 2, { threads: 1 });
  t.strictSame([...outputs['imu']!], [0, 0, 1, 1, 2, 2, 10, 10, 11, 11, 12, 12]);
  const bad = tower({}, { encoder: model([2, 2], (g, x) => g.div(1, g.sub(g.reduceMean(x, [1]), 2))) });
  await t.rejects(
    encodeSource(source, new Map([['imu', bad]]), 1, { threads: 1 }),
    /encoder of imu failed on a window of c/,
  );
  const aborted = AbortSignal.abort();
  await t.rejects(encodeSource(source, new Map([['imu', tower()]]), 1, { threads: 1, signal: aborted }), /interrupted/);
});

void t.test('people that an encoder or a trunk has seen', (t) => {
  const trainedOn = { text: 'x', datasets: [{ dataset: 'utd-mhad', subjects: [1, '3'], terms: 'none' }] };
  const pairs = [
    { datasets: [{ dataset: 'utd-mhad', subjects: [5], terms: 'none' }] },
    { datasets: [{ dataset: 'mars', subjects: [2], terms: 'none' }] },
    {},
  ];
  t.strictSame([...seenPeople(new Map([['imu', tower({ trainedOn })]]), pairs, 'utd-mhad')], [1, 3, 5]);
  t.strictSame([...seenPeople(new Map(), pairs, 'mars')], [2]);
  t.end();
});
