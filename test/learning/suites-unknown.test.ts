import { readFileSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { utdMhadActions } from '../../learning/datasets/utd-mhad.js';
import { createRandom } from '../../learning/random.js';
import { taughtCases } from '../../learning/suites/taught.js';
import { unknownFigures } from '../../learning/suites/unknown.js';
import { leftOut, splitActions } from '../../learning/suites/unknown-towers.js';
import { trainImuTower } from '../../learning/train-imu.js';
import { trainSkeletonTower } from '../../learning/train-kinect.js';
import { labelsOf } from '../../learning/train-tower.js';
import { folderWith } from './datasets-folder.js';
import { classes, compressed, doubles, element, matFile, matrix, types } from './matlab-writer.js';

const all = utdMhadActions.map((_, place) => place + 1);

/** Heights of the Kinect's joints of a standing person, metres. */
const heights = [0.6, 0.45, 0.2, 0, 0.4, 0.15, -0.05, -0.1, 0.4, 0.15, -0.05, -0.1, -0.05, -0.45, -0.85, -0.9];
const body = [...heights, ...heights.slice(12)];

/** Files as UTD-MHAD's, of numbers that the test draws. */
function files(actions: readonly number[], subjects: readonly number[]): Record<string, Buffer> {
  const file = (name: string, shape: number[], values: number[]) =>
    matFile(compressed(matrix(name, classes.double, shape, [element(types.double, doubles(values))])));
  return Object.fromEntries(
    actions.flatMap((action) =>
      subjects.flatMap((subject) => {
        const random = createRandom(100 * action + subject);
        const numbers = (length: number) => Array.from({ length }, () => random.normal());
        // [20, 3, 60], column by column: joints, then axes, then frames.
        const standing = numbers(20 * 3 * 60).map((value, i) => {
          const axis = Math.floor(i / 20) % 3;
          return 0.05 * value + (axis === 0 ? 0.1 * (i % 4) : axis === 1 ? body[i % 20]! : 2.5);
        });
        const id = `a${action}_s${subject}_t1`;
        return [
          [`Inertial/${id}_inertial.mat`, file('d_iner', [180, 6], numbers(180 * 6))],
          [`Skeleton/${id}_skeleton.mat`, file('d_skel', [20, 3, 60], standing)],
        ];
      }),
    ),
  );
}

void t.test('the actions of a seed: five are left out, five more where something is chosen', (t) => {
  for (const seed of [0, 1, 2]) {
    const { unknown, known, unknownInChoice, knownInChoice } = splitActions(seed);
    t.equal(unknown.length, leftOut);
    t.equal(unknownInChoice.length, leftOut);
    t.same(
      [...unknown, ...known].toSorted((a, b) => a - b),
      all,
    );
    t.same(
      [...unknownInChoice, ...knownInChoice].toSorted((a, b) => a - b),
      known,
    );
  }
  t.notSame(splitActions(0), splitActions(1));
  t.same(splitActions(1), splitActions(1));
  t.end();
});

void t.test('what is left out is in no training: not the labels, not the recordings', async (t) => {
  const actions = [2, 5];
  const whole = await folderWith(t, files([2, 3, 5], [1]));
  const without = await folderWith(t, files(actions, [1]));
  // If it were opened, somebody would be told.
  await writeFile(join(whole, 'Inertial/a3_s1_t1_inertial.mat'), 'not to be read');
  await writeFile(join(whole, 'Skeleton/a3_s1_t1_skeleton.mat'), 'not to be read');
  const warnings: string[] = [];
  const request = {
    ...{ train: [1], test: [], seed: 0, threads: 1, members: 1, epochs: 1, preTrainingEpochs: 1, gatewayVersion: '0' },
    onWarning: (text: string) => warnings.push(text),
  };
  for (const train of [trainImuTower, trainSkeletonTower]) {
    const one = await train({ ...request, data: whole, actions });
    const other = await train({ ...request, data: without });
    const named = await train({ ...request, data: without, actions });
    t.same(one.tower.manifest.classes, ['swipe right', 'throw']);
    t.equal(one.trainRecordings, 2);
    t.equal(other.tower.manifest.classes.length, utdMhadActions.length);
    t.ok(Buffer.from(named.tower.encoder).equals(one.tower.encoder), 'the same as where it never was');
    t.ok(Buffer.from(named.tower.head).equals(one.tower.head));
  }
  t.same(warnings, []);
});

void t.test('the suite never opens the training people’s recordings of the five; each figure is a share', async (t) => {
  const [train, test] = [[1, 3], [2]];
  const { unknown, known, knownInChoice } = splitActions(0);
  const data = await folderWith(t, files(all, [...train, ...test, 4]));
  // The training people's recordings of the five: if one were opened, somebody would be told.
  for (const action of unknown)
    for (const subject of train)
      for (const kind of ['Inertial', 'Skeleton'])
        await writeFile(join(data, kind, `a${action}_s${subject}_t1_${kind.toLowerCase()}.mat`), 'not to be read');
  const cache = await folderWith(t, {});
  const warnings: string[] = [];
  const request = {
    ...{ data, cache, seeds: [0], threads: 1, epochs: 1 },
    onWarning: (text: string) => warnings.push(text),
  };
  const figures = await unknownFigures({ train, test }, 0, request);
  const towers = (await readdir(cache)).filter((name) => /^unknown-.*\d$/.test(name));
  t.equal(towers.length, 4, 'of each sensor one, and one to choose by');
  for (const name of towers) {
    const { classes: labels } = JSON.parse(readFileSync(join(cache, name, 'manifest.json'), 'utf8')) as {
      classes: string[];
    };
    t.same(labels, labelsOf(name.includes('subjects-1-3') ? known : knownInChoice), name);
  }

  const names = [...new Set(figures.map(({ name }) => name))];
  t.same(names.slice(0, 3), ['imu', 'skeleton', 'imu+skeleton']);
  t.ok(names.includes('imu+skeleton agreement') && !names.includes('imu agreement'));
  const shares = figures.filter(({ metric }) => !['threshold', 'accuracy', 'temperature'].includes(metric));
  t.ok(shares.every(({ value }) => value >= 0 && value <= 1));
  const sum = figures.filter(({ metric }) => metric === 'picked').reduce((total, { value }) => total + value, 0);
  t.equal(sum, 1, 'one score is picked');

  const taught = await taughtCases({ train, test: [2, 4], known, unknown }, 0, request);
  t.same(
    [...taught.keys()],
    ['imu', 'skeleton', 'imu+skeleton'].map((mix) => `${mix} new, others`),
    'one recording of each action teaches, and only somebody else shows it again',
  );
  t.ok([...taught.values()].every((value) => value >= 0 && value <= 1));

  t.same(warnings, []);
  await t.rejects(unknownFigures({ train: [1], test }, 0, request), /two subjects/);
});
