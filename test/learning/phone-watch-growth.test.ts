import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadPhoneWatch } from '../../learning/datasets/phone-watch.js';
import { digestOfStretches, pairedStretches } from '../../learning/paired-stretches.js';
import type { PairedStretch } from '../../learning/paired-stretches.js';
import { momentBranches, moments, momentTiming, plainMoment } from '../../learning/phone-watch-pairs.js';
import { createRandom } from '../../learning/random.js';
import { momentCases } from '../../learning/suites/phone-watch-growth.js';

const data = process.env['SENSING_DATA'] ?? '';
const skip = data && existsSync(join(data, 'phone-watch')) ? false : 'skipped: no recordings';

/** Bumps at random times that both sensors feel, the phone the other way round. */
function stretch(execution: number, seconds: number): PairedStretch {
  const random = createRandom(execution + 1);
  const count = seconds * 100;
  const bumps = Array.from({ length: count }, () => 0);
  for (let at = 0; at < count; at += 20 + random.integer(60))
    for (let i = at; i < Math.min(count, at + 12); i++) bumps[i] = 6 * Math.sin((Math.PI * (i - at)) / 12);
  const felt = (sign: number) =>
    Float32Array.from({ length: count * 6 }, (_, k) => {
      const bump = bumps[Math.floor(k / 6)]!;
      return [0, sign * bump, 9.8 + bump, 0, sign * bump, 0][k % 6]! + 0.1 * random.normal();
    });
  return {
    ...{ execution, subject: execution % 2, watch: felt(1), phone: felt(-1) },
    labels: new Uint8Array(count),
  };
}

void t.test('moments: every hop, both sensors from the same sample on, random ones inside the stretch', (t) => {
  const one = stretch(0, 5);
  const all = moments([one, stretch(1, 3)]);
  t.same(
    all.map(({ stretch: { execution }, begin }) => [execution, begin]),
    [...[0, 64, 128, 192, 256, 320].map((begin) => [0, begin]), ...[0, 64, 128].map((begin) => [1, begin])],
  );
  t.same(plainMoment(all[2]!, 'phone'), one.phone.slice(128 * 6, 256 * 6));
  const random = createRandom(1);
  const out = new Float32Array(128 * 6);
  for (const moment of all)
    for (let i = 0; i < 20; i++) {
      const timing = momentTiming(moment, 0.2, random);
      t.ok(timing.begin >= 0);
      t.ok(timing.begin * 100 + 127 * timing.speed <= moment.stretch.labels.length - 1 + 1e-9);
      for (const { augment } of momentBranches) augment(moment, timing, random, out);
      t.ok(out.every(Number.isFinite));
    }
  t.end();
});

void t.test('a phone grown through a watch is found by what both felt', async (t) => {
  const cache = t.testdir();
  const train = moments([0, 1, 2, 3].map((execution) => stretch(execution, 12)));
  const test = moments([10, 11, 12, 13].map((execution) => stretch(execution, 12)));
  const request = { data: '', seeds: [0], threads: 1, epochs: 8, cache };
  const figures = await momentCases(train, test, 'made here', 0, request);
  t.same(
    [...figures.keys()],
    [', encoders', '', ', plain contrastive pair'].flatMap((what) => [`watch->phone${what}`, `phone->watch${what}`]),
  );
  const chance = 5 / test.length;
  for (const [name, value] of figures) t.ok(value > 2 * chance, `${name}: ${value}`);
  t.ok(readdirSync(cache).length > 3);
  t.same([...(await momentCases(train, test, 'made here', 0, request))], [...figures], 'what is kept gives the same');
});

void t.test('recordings: an execution is one place, whatever gaps it has', { skip }, async (t) => {
  const { recordings } = await loadPhoneWatch(data, { subjects: [3] });
  const stretches = pairedStretches(recordings);
  const executions = new Set(recordings.map(({ id }) => id.replace(/_s[pw]$/, '')));
  t.ok(new Set(stretches.map(({ execution }) => execution)).size <= executions.size);
  t.ok(stretches.every(({ execution }) => execution < executions.size));
  t.equal(digestOfStretches(stretches), digestOfStretches(pairedStretches(recordings)));
  t.not(digestOfStretches(stretches), digestOfStretches(stretches.slice(1)));
});
