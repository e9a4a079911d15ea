import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { PairedRecording } from '../../learning/datasets/utd-mhad-windows.js';
import { createRandom } from '../../learning/random.js';
import { alignmentGains, fewShotCases, shotAccuracies } from '../../learning/suites/few-shot.js';
import { kept } from '../../learning/suites/suite-cache.js';
import type { SuiteRequest } from '../../learning/suites/suite.js';
import { multiplied } from '../../learning/suites/utd-mhad.js';
import {
  alignmentSet,
  meanOfRecordings,
  openEncoder,
  preTrained,
  windowOutputs,
} from '../../learning/suites/utd-mhad-embeddings.js';
import { limuBert } from '../../models/towers/imu.js';

/** Recordings of noise that the test makes: enough to see what depends on what. */
function recordings(subjects: readonly number[], seed: number): PairedRecording[] {
  const random = createRandom(seed);
  return subjects.flatMap((subject) =>
    [0, 1, 2].map((classIndex) => ({
      ...{ id: `a${classIndex}_s${subject}`, subject, label: String(classIndex), classIndex, duration: 3.6 },
      imu: Float32Array.from({ length: 180 * 6 }, () => random.normal()),
      skeleton: Float32Array.from({ length: 90 * 80 }, (_, i) => (i % 4 === 3 ? 1 : random.normal())),
      depth: {
        times: Float64Array.from({ length: 40 }, (_, i) => i * 0.09),
        pictures: Uint8Array.from({ length: 40 * 48 * 48 }, () => random.integer(2) * 128),
      },
    })),
  );
}

const request = (t: Tap): SuiteRequest & { cache: string } => {
  const cache = mkdtempSync(join(tmpdir(), 'suites-'));
  t.teardown(() => rmSync(cache, { recursive: true }));
  return { data: '', seeds: [0], threads: 1, epochs: 1, cache };
};
interface Tap {
  readonly teardown: (done: () => void) => void;
}

/** What was learned: every file of the cache. */
const learned = (folder: string) =>
  Object.fromEntries(
    readdirSync(folder)
      .toSorted()
      .map((name) => [name, readFileSync(join(folder, name)).toString('base64')]),
  );

void t.test('few-shot: nothing that is learned depends on a label or on a test subject', async (t) => {
  const train = recordings([1], 1);
  const [first, second] = [request(t), request(t)];
  const figures = await fewShotCases(train, recordings([2], 2), 0, first);
  t.same([...figures.keys()].slice(0, 6), [
    ...['one-shot imu', 'five-shot imu', 'one-shot skeleton', 'five-shot skeleton'],
    ...['one-shot imu+skeleton', 'five-shot imu+skeleton'],
  ]);
  t.equal(
    figures.size,
    27,
    'the same of the encoder, unaligned, and aligned from alone; and what the last two differ by',
  );
  t.ok([...figures].every(([name, value]) => value <= 1 && (value >= 0 || name.includes('minus'))));
  t.equal(Object.keys(learned(first.cache)).length, 7, 'three pre-trainings, outputs of four encoders');
  const others = train.map((one, i) => ({ ...one, classIndex: train[(i + 1) % train.length]!.classIndex, label: '?' }));
  await fewShotCases(others, recordings([4], 5), 0, second);
  t.same(learned(second.cache), learned(first.cache), 'other labels, another person to be tested');
});

void t.test('encoder outputs: alike in every set, version 0 is the recording itself', async (t) => {
  const given = recordings([1, 3], 3);
  const asked = request(t);
  const encoders = await preTrained(given, ['imu'], 0, asked);
  const one = await alignmentSet(given, encoders, ['imu'], 7, asked, 3);
  const again = await alignmentSet(given, encoders, ['imu'], 7, { ...asked, cache: undefined }, 3);
  t.same(again.outputs['imu'], one.outputs['imu'], 'kept or made');
  const { outputs, counts, width } = await windowOutputs(given, 'imu', encoders.imu!, 1);
  t.same(counts, Array<number>(6).fill(2), 'starts at 0 and 0.5 s');
  const plain = one.outputs['imu']!.subarray(0, 6 * width);
  for (let i = 0; i < 6; i++)
    t.ok(Math.abs(plain[i * width]! - outputs[(2 * i + 1) * width]!) < 1e-5, 'the middle window');
  t.notSame(one.outputs['imu']!.subarray(6 * width, 12 * width), plain, 'version 1 is augmented');
});

void t.test('depth is pre-trained beside the skeleton: what the IMU saw does not matter', async (t) => {
  const given = recordings([1], 6);
  const others = given.map((one) => ({ ...one, imu: one.imu.map((value) => -2 * value) }));
  const of = async (all: readonly PairedRecording[]) => {
    const weights = await preTrained(all, ['skeleton', 'depth'], 0, request(t));
    t.same(Object.keys(weights), ['skeleton', 'depth']);
    return [...weights.depth!].map(([name, values]) => [name, Buffer.from(values.buffer).toString('base64')]);
  };
  t.same(await of(others), await of(given));
});

void t.test('an encoder’s outputs do not depend on how many windows are run at once', async (t) => {
  const encoders = await preTrained(recordings([1, 3], 3), ['imu'], 0, request(t));
  const session = await openEncoder(limuBert, encoders.imu!, 1);
  const random = createRandom(4);
  const size = 152 * 6;
  const windows = Float32Array.from({ length: 40 * size }, () => random.normal());
  const all = await session.run(windows, 40);
  const last = await session.run(windows.subarray(39 * size), 1);
  t.ok(last.every((value, k) => Math.abs(value - all[39 * limuBert.width + k]!) < 1e-4));
  await session.release();
});

void t.test('a recording is the mean of its windows, at length 1', (t) => {
  const outputs = Float32Array.of(3, 0, 0, 4, 0, -2);
  const means = meanOfRecordings({ width: 2, outputs, counts: [2, 1] });
  t.same([...means].map((value) => value.toFixed(4)), ['0.6000', '0.8000', '0.0000', '-1.0000']); // prettier-ignore
  t.end();
});

void t.test('mixes of shots: embeddings side by side, of whatever widths', (t) => {
  // The first tells classes 0 and 1 apart, the second 2 from both; only both tell all three.
  const width = 2;
  const [one, other] = [
    Float32Array.of(1, 0, 0, 1, 0, 1),
    Float32Array.of(1, 0, 0, 1, 0, 0, 0, 0, 1), // three wide
  ];
  const imu = { width, train: one, test: one };
  const skeleton = { width: 3, train: other, test: other };
  const found = shotAccuracies({ imu, skeleton }, [0, 1, 2], [0, 1, 2], 1);
  for (const name of ['imu', 'skeleton']) t.ok(Math.abs(found.get(`one-shot ${name}`)! - 2 / 3) < 1e-9);
  t.ok(Math.abs(found.get('five-shot imu+skeleton')! - 1) < 1e-9);
  t.end();
});

void t.test('what alignment gains: the same encoder aligned less unaligned, mean of single sensors', (t) => {
  const accuracies = new Map<string, number>();
  for (const [title, imu, skeleton] of [
    ['one-shot', 0.3, 0.1],
    ['five-shot', 0.1, 0.1],
  ] as const)
    for (const [name, gain] of [
      ['imu', imu],
      ['skeleton', skeleton],
    ] as const)
      accuracies.set(`${title} ${name} unaligned`, 0.5).set(`${title} ${name} aligned from alone`, 0.5 + gain);
  t.same(
    [...alignmentGains(accuracies)].map(([name, gain]) => `${name} ${gain.toFixed(3)}`),
    [
      'one-shot aligned minus unaligned 0.200',
      'five-shot aligned minus unaligned 0.100',
      'aligned minus unaligned 0.150',
    ],
  );
  t.end();
});

void t.test('opinions multiply, each to the power of its weight over its temperature', (t) => {
  const opinions = { imu: Float32Array.of(-1, -2), depth: Float32Array.of(-3, -1) };
  const calibrations = { imu: { temperature: 1 }, depth: { temperature: 2 } };
  t.same([...multiplied(['imu', 'depth'], opinions, calibrations)], [-2.5, -2.5]);
  t.same([...multiplied(['imu'], opinions, calibrations)], [-1, -2]);
  const known = { imu: { temperature: 1, loss: 0.1 }, depth: { temperature: 2, loss: 0.4 } };
  t.same([...multiplied(['imu', 'depth'], opinions, known)], [-1.75, -2.25]);
  t.same([...multiplied(['depth'], opinions, known)], [-1.5, -0.5], 'alone it counts fully');
  t.end();
});

void t.test('what is kept is found again only for the same key', async (t) => {
  const { cache } = request(t);
  let made = 0;
  const make = () => Promise.resolve(++made);
  t.equal(await kept(cache, 'number', 'a', make), 1);
  t.equal(await kept(cache, 'number', 'a', make), 1);
  t.equal(await kept(cache, 'number', 'b', make), 2);
  t.equal(await kept(undefined, 'number', 'b', make), 3);
});
