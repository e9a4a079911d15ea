/** `babel-gateway align`, `grow`, `teach`, `explain`, `evaluate --all`: small recordings of the simulated wrist, and made-up folders. */
import { mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { parsePairs } from '../../daemon/learning/encoders.js';
import { loadExamples } from '../../daemon/learning/examples.js';
import { writeResults } from '../../daemon/learning/results.js';
import { connected } from '../../daemon/learning/sources/find.js';
import { loadTrunkFolder } from '../../daemon/learning/trunk-folder.js';
import { witmotion } from '../../drivers/imu/witmotion.js';
import { createRecorder } from '../../drivers/recording/recorder.js';
import { suites } from '../../learning/suites/registry.js';
import { targetOf, targets } from '../../learning/suites/targets.js';
import { loadTower, saveTower, shippedTowerDirectory } from '../../models/store.js';
import { openTower } from '../../models/tower-session.js';
import { virtualWrist } from '../../room/virtual-wrist.js';
import { encodeWitmotion } from '../../room/witmotion-encoder.js';
import { model, tower } from '../models/towers.js';
import { run } from './helpers/program.js';

const folder = await mkdtemp(join(tmpdir(), 'learning-'));
t.teardown(() => rm(folder, { recursive: true }));
const at = (...parts: string[]) => join(folder, ...parts);

/** Two WitMotion devices on one simulated wrist, one of them turned. Nothing is waited for: the times are made up too. */
async function record(file: string, seconds: number): Promise<void> {
  const settings = witmotion.settings.parse({ outputRate: 50 });
  const about = { driver: 'witmotion-wt901', settings, files: {}, transport: 'tcp', place: 'room' };
  const sensors = ['wrist', 'strap'].map((sensor) => ({ ...about, sensor, virtual: true, recorded: false }));
  const recorder = await createRecorder({ file, onError: (problem) => t.fail(problem) });
  for (const { time, acceleration, angularRate } of virtualWrist(3, 50)) {
    if (time > seconds) break;
    const [x, y, z] = acceleration as unknown as [number, number, number];
    const [p, q, r] = angularRate as unknown as [number, number, number];
    const turned = { acceleration: [y, -x, z], angularRate: [q, -p, r] };
    for (const [i, motion] of [{ acceleration, angularRate }, turned].entries())
      recorder.write(sensors[i]!, encodeWitmotion({ ...motion, time }, settings), 1000 + time);
  }
  await recorder.close();
}

/** A user's own encoder: mean, and mean square, of each channel over the window; no head worth anything. */
async function ownEncoder(name: string): Promise<string> {
  const encoder = model([152, 6], (g, x) => {
    const scaled = g.mul(x, g.constant([6], [0.1, 0.1, 0.1, 1, 1, 1]));
    return g.concat([g.reduceMean(scaled, [1]), g.reduceMean(g.mul(scaled, scaled), [1])], 1);
  });
  const head = model([12], (g, x) => g.slice(x, 1, 0, 2));
  const shipped = await loadTower(shippedTowerDirectory('imu'));
  const { window } = shipped.manifest;
  await saveTower(at(name), tower({ name, window, embedding: { width: 12, space: 'own' } }, { encoder, head }));
  return at(name);
}

const file = at('two.mcap');
await record(file, 90);
const own = await ownEncoder('own-imu');
const small = [
  '--epochs',
  '20',
  '--learning-rate',
  '0.003',
  '--checkpoints',
  at('checkpoints'),
  '--cache',
  at('cache'),
];

void t.test(
  'from recordings to an aligned trunk, its growth, a taught class and pictures',
  { timeout: 240_000 },
  async (t) => {
    const encoders = ['--encoder', `wrist=${own}`, '--encoder', `strap=${own}`];
    const aligned = await run(t, [
      'align',
      '--recordings',
      file,
      '--pairs',
      'wrist:strap',
      ...encoders,
      ...small,
      '--output',
      at('trunk'),
      '--json',
    ]);
    t.equal(aligned.status, 0, aligned.stderr);
    const said = JSON.parse(aligned.stdout) as {
      pairs: { windows: number; pairing: string; leftOut: Record<string, number> }[];
      classes: number;
    };
    const [pair] = said.pairs;
    t.equal(pair!.pairing, 'time');
    t.ok(pair!.windows > 15, `${pair!.windows} pairs`);
    t.ok(
      Object.keys(pair!.leftOut).some((reason) => reason.endsWith('still')),
      'the rests are left out',
    );
    t.equal(said.classes, 0);
    t.notOk(existsSync(at('trunk', 'towers')), 'no class, no tower');
    t.match(aligned.stderr, /strap lags -?\d ms behind wrist \(correlation of their motion (0\.[5-9]|1)/);

    const again = await run(t, [
      'align',
      '--recordings',
      file,
      '--pairs',
      'wrist:strap',
      ...encoders,
      ...small,
      '--output',
      at('again'),
      '--json',
    ]);
    t.equal(again.status, 0, again.stderr);
    t.ok(
      (await readFile(at('again', 'trunk.babel'))).equals(await readFile(at('trunk', 'trunk.babel'))),
      'the same seed gives the same trunk',
    );

    const grown = await run(t, [
      'grow',
      '--recordings',
      file,
      '--trunk',
      at('trunk'),
      '--new',
      'strap',
      '--via',
      'wrist',
      ...small,
      '--output',
      at('grown'),
      '--json',
    ]);
    t.equal(grown.status, 0, grown.stderr);
    const { about, trunk, memory } = await loadTrunkFolder(at('grown'));
    t.strictSame([...memory].map(([name, parts]) => [name, parts.length]), [['wrist', 2], ['strap', 2]]); // prettier-ignore
    t.equal((await loadTrunkFolder(at('trunk'))).memory.get('wrist')![0]!.length, 12 * pair!.windows);
    t.strictSame(
      about.pairs.map(({ kind }) => kind),
      ['align', 'grow'],
    );
    t.equal(trunk.history.length, 2);

    const lesson = ['teach', '--recording', file, '--from', '4', '--seconds', '8', '--label', 'brushing teeth'];
    const taught = await run(t, [...lesson, '--tower', at('grown'), '--output', at('taught'), '--json']);
    t.equal(taught.status, 0, taught.stderr);
    t.match(JSON.parse(taught.stdout), { label: 'brushing teeth', classes: 2 });
    const { manifest, ...files } = await loadTower(at('taught', 'towers', 'wrist'));
    t.strictSame([...manifest.classes].sort(), ['brushing teeth', 'something else']);
    t.match(manifest.trainedOn.text, /Taught by its user: brushing teeth\.$/);
    const session = await openTower({ manifest, ...files }, 'cpu', 1);
    t.teardown(() => session.release());
    t.ok((await session.run(new Float32Array(152 * 6).fill(1), 1)).probabilities.every(Number.isFinite));
    t.ok((await loadExamples(at('taught')))!.examples.some(({ label }) => label === 'brushing teeth'));

    const more = await run(t, [
      ...lesson.slice(0, -1),
      'combing hair',
      '--tower',
      at('taught'),
      '--output',
      at('taught'),
      '--rest',
      'unknown',
      '--json',
    ]);
    t.equal(more.status, 0, more.stderr);
    t.equal((await loadTower(at('taught', 'towers', 'strap'))).manifest.classes.length, 3);

    const shown = await run(t, ['explain', '--trunk', at('trunk'), '--output', at('pictures'), '--json']);
    t.equal(shown.status, 0, shown.stderr);
    t.strictSame((await readFile(at('pictures', 'weights.png'))).subarray(1, 4).toString(), 'PNG');
  },
);

void t.test('a class beside those of a trained tower', { timeout: 120_000 }, async (t) => {
  const lesson = [
    'teach',
    '--recording',
    file,
    '--from',
    '4',
    '--seconds',
    '8',
    '--sensor',
    'wrist',
    '--tower',
    shippedTowerDirectory('imu'),
  ];
  const taught = await run(t, [...lesson, '--label', 'brushing teeth', '--output', at('imu'), '--json']);
  t.equal(taught.status, 0, taught.stderr);
  const { classes } = (await loadTower(shippedTowerDirectory('imu'))).manifest;
  t.strictSame((await loadTower(at('imu'))).manifest.classes, [...classes, 'brushing teeth']);
  const known = await run(t, [...lesson, '--label', classes[0]!, '--output', at('imu2')]);
  t.equal(known.status, 1);
  t.match(known.stderr, /is a class that the tower was trained on/);
});

void t.test('what is wrong is told in one line, with what to do', { timeout: 120_000 }, async (t) => {
  const output = ['--output', at('none')];
  const teach = ['teach', '--recording', file, '--label', 'x', ...output];
  await writeFile(at('garbage.mcap'), 'garbage');
  await mkdir(at('broken'), { recursive: true });
  await writeFile(at('broken', 'trunk.json'), '{"formatVersion": 1, "encoders": {"../../etc": {}}}');
  const cases: [args: string[], message: RegExp][] = [
    [['align', '--pairs', 'imu', '--data', folder, ...output], /'imu' is no pair/],
    [['align', '--pairs', 'imu:imu', '--data', folder, ...output], /is no pair/],
    [['align', '--pairs', 'imu:lidar', '--data', folder, ...output], /no encoder of lidar comes with this version/],
    [['align', '--pairs', 'wrist:strap', ...output], /wrist is no kind of sensor/],
    [['align', '--pairs', 'wrist:strap', '--encoder', 'wrist', ...output], /write NAME=FOLDER/],
    [
      ['align', '--pairs', 'a:b', '--encoder', `a=${own}`, '--encoder', `b=${own}`, ...output],
      /either a folder of data sets/,
    ],
    [
      ['align', '--pairs', 'a:b', '--encoder', `a=${own}`, '--encoder', `b=${own}`, '--recordings', file, ...output],
      /no sensor in it is or gives a; there are wrist \(imu\), strap \(imu\)/,
    ],
    [
      ['grow', '--new', 'depth', '--via', 'imu', '--trunk', at('broken'), '--data', folder, ...output],
      /trunk\.json: .*or align again/,
    ],
    [
      ['grow', '--new', 'depth', '--via', 'imu', '--trunk', at('nowhere'), '--data', folder, ...output],
      /trunk\.json is missing/,
    ],
    [[...teach, '--from', '4', '--seconds', '1', '--tower', own], /reads windows of 3\.04 s; name a longer stretch/],
    [[...teach, '--from', '4000', '--seconds', '9', '--tower', own, '--sensor', 'wrist'], /lasts only 9\d\.\d s/],
    [[...teach, '--from', '4', '--seconds', '9', '--tower', own], /strap.* both give imu|both give imu/],
    [[...teach, '--from', '4', '--seconds', '9', '--tower', own, '--sensor', 'hat'], /no such sensor, but wrist/],
    [
      [
        'teach',
        '--recording',
        at('garbage.mcap'),
        '--label',
        'x',
        '--from',
        '1',
        '--seconds',
        '9',
        '--tower',
        own,
        ...output,
      ],
      /not an MCAP file/,
    ],
    [['evaluate', '--all', '--data', at('empty'), '--report', at('r.md')], /no suite has its recordings here/],
    [['evaluate', 'radhar', '--data', at('empty'), '--seed', '1', '--seeds', '1,2'], /--seed is one of --seeds/],
    [['evaluate', 'nothing', '--data', at('empty')], /there is no suite 'nothing'/],
  ];
  for (const [args, message] of cases) {
    const { status, stderr } = await run(t, args);
    t.equal(status, 1, args.join(' '));
    t.match(stderr, message);
    t.notMatch(stderr, /\n {4}at /, 'no stack');
  }
  t.notOk(existsSync(at('none')), 'nothing is written');
});

void t.test('a trunk that was changed is refused', async (t) => {
  await t.test('its weights', async (t) => {
    const bytes = await readFile(at('again', 'trunk.babel'));
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(at('again', 'trunk.babel'), bytes);
    await t.rejects(loadTrunkFolder(at('again')), /trunk\.babel was changed or cut off/);
  });
  await t.test('its encoder', async (t) => {
    const other = await loadTower(shippedTowerDirectory('imu'));
    await saveTower(at('trunk', 'encoders', 'wrist'), other);
    await t.rejects(loadTrunkFolder(at('trunk')), /another encoder than the one that was aligned/);
  });
  await t.test('its examples', async (t) => {
    await writeFile(
      at('taught', 'examples.json'),
      '{"formatVersion": 1, "examples": [{"label": "x", "embedding": "AAAA"}]}',
    );
    await t.rejects(loadExamples(at('taught')), /is damaged/);
  });
});

void t.test('pairs as they are written, and which belong together', (t) => {
  t.strictSame(parsePairs('imu:skeleton, skeleton:depth'), [
    ['imu', 'skeleton'],
    ['skeleton', 'depth'],
  ]);
  for (const wrong of ['', 'imu', 'a:b:c', 'a:', ':', '../x:b', 'a:b,'])
    t.throws(() => parsePairs(wrong), /is no pair/);
  t.strictSame(
    connected([
      ['imu', 'skeleton'],
      ['mmwave', 'wifi'],
      ['skeleton', 'depth'],
    ]),
    [
      ['mmwave', 'wifi'],
      ['imu', 'skeleton', 'depth'],
    ],
  );
  t.end();
});

void t.test('results: values beside targets, what is absent said so', async (t) => {
  const [target] = targets.filter(({ plain, case: name }) => plain && typeof name === 'string');
  const line = { suite: target!.suite, case: String(target!.case), metric: target!.metric, spread: 0.01, seeds: 3 };
  const file = at('report', 'results.md');
  const written = await writeResults(
    file,
    [
      {
        suite: target!.suite,
        lines: [
          { ...line, value: target!.target + 0.01 },
          { ...line, case: 'a|b', value: 0.5 },
        ],
        seconds: 90,
      },
      { suite: 'radhar', lines: [], skipped: 'no RadHAR here' },
    ],
    'Made by a test.',
  );
  const text = await readFile(file, 'utf8');
  t.match(text, `± 1.0 | 3 | > ${(100 * target!.target).toFixed(1)} | yes |`);
  t.match(text, /\| a\\\|b \|/);
  t.match(text, /Not measured: no RadHAR here/);
  t.equal(written.length, 2);
});

void t.test('suites: every one can be loaded and run; targets name suites and lie between 0 and 1', async (t) => {
  for (const [name, { load, title }] of Object.entries(suites)) {
    const suite = await load();
    t.type(suite.run.bind(suite), 'function', name);
    t.ok(title.length > 10);
  }
  for (const { target, plain } of targets) t.ok([target, ...(plain ?? [])].every((value) => value > 0 && value <= 1));
  for (const { suite } of targets) t.ok(suites[suite], suite);
  t.match(targetOf('growth', 'imu, skeleton, depth: imu-skeleton after depth', 'class@1 lost'), {
    target: 0.03,
    atMost: true,
  });
  t.ok(targetOf('growth', 'imu, skeleton, depth: imu-skeleton after wifi (label pairs)', 'class@1 lost'));
  t.equal(targetOf('few-shot', 'aligned minus unaligned', 'accuracy gained')!.target, 0.12);
  t.equal(targetOf('growth', 'imu, skeleton, depth without adaptive weights', 'class@1 lost'), undefined);
  const keys = targets.map(({ suite, case: name, metric }) => `${suite} ${String(name)} ${metric}`);
  t.equal(new Set(keys).size, keys.length);
});
