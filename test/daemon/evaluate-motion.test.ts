import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { motionFigures } from '../../daemon/commands/evaluate-motion.js';
import { DatasetError } from '../../learning/datasets/dataset.js';
import { loadEsp32Motion } from '../../learning/datasets/esp32-motion.js';
import { createRandom } from '../../learning/random.js';
import { roomFrame } from '../pipelines/wifi/frames.js';

const data = join(process.env['SENSING_DATA'] ?? '', 'esp32-motion');
const skip = process.env['SENSING_DATA'] && existsSync(data) ? false : 'skipped: no recordings';

type Tap = Pick<typeof t, 'teardown'>;
async function temporaryFolder(t: Tap): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'esp32-motion-'));
  t.teardown(() => rm(folder, { recursive: true }));
  return folder;
}

const seconds = 10;
const packets = 1000;

/** Bytes as a chip whose subcarriers ascend gives them, of a room in which something moves from second `from` to `to`. */
function recording(seed: number, from: number, to: number): Int8Array {
  const random = createRandom(seed);
  const bytes = new Int8Array(packets * 128);
  for (let p = 0; p < packets; p++) {
    const time = (p * seconds) / packets;
    const swing = time >= from && time < to ? 0.3 * Math.sin(5 * time) : 0;
    const { csi } = roomFrame(time, random, { path: 12 + swing });
    for (let i = 0; i < 64; i++) bytes.set([csi[2 * i + 1]!, csi[2 * i]!], p * 128 + 2 * i);
  }
  return bytes;
}

async function write(folder: string, id: string, bytes: Int8Array, collectedAt: string, more = {}): Promise<void> {
  const said = { label: id.split('_')[0], chip: 'c6', packets, valuesPerPacket: 128, duration_ms: 10000, collectedAt };
  await writeFile(join(folder, `${id}.i8`), bytes);
  await writeFile(join(folder, `${id}.json`), JSON.stringify({ ...said, ...more }));
}

void t.test('a pair and a test recording of a built room', async (t) => {
  const folder = await temporaryFolder(t);
  await write(folder, 'baseline_c6_64sc_a', recording(1, 99, 99), '2026-03-01T10:00:10.5');
  await write(folder, 'movement_c6_64sc_b', recording(2, 0, 10), '2026-03-01T10:00:40.5');
  await write(folder, 'test_c6_64sc_c', recording(3, 5, 10), '2026-03-01T10:01:10.5');
  const { recordings, unreadable } = await loadEsp32Motion(folder);
  t.strictSame(unreadable, []);
  t.equal(recordings[1]!.collectedAt - recordings[0]!.collectedAt, 30);
  const figures = motionFigures(recordings);
  t.strictSame(
    figures.map((figure) => [figure.case, figure.metric, figure.packets]),
    [
      ['c6', 'recall', packets],
      ['c6', 'falseAlarmRate', packets],
      ['test_c6_64sc_c', 'recall', packets / 2],
      ['test_c6_64sc_c', 'falseAlarmRate', packets / 2],
    ],
  );
  const [recall, falseAlarms, testRecall, testFalseAlarms] = figures.map(({ value }) => value);
  t.equal(recall, 1);
  t.equal(falseAlarms, 0);
  t.ok(testRecall! > 0.95 && testRecall! < 1, `it takes some packets to see motion: ${testRecall}`);
  t.equal(testFalseAlarms, 0);
  // One second fills the window, three more calibrate: those packets are told apart from quiet ones.
  t.ok(figures[1]!.undecided >= 390 && figures[1]!.undecided < 450, `${figures[1]!.undecided} undecided`);
  t.ok(figures[0]!.undecided >= 90 && figures[0]!.undecided < 120);
});

void t.test('motion in the quiet recording counts as false alarms, and quiet in the other as missed', async (t) => {
  const folder = await temporaryFolder(t);
  await write(folder, 'baseline_c6_64sc_a', recording(1, 7, 8), '2026-03-01T10:00:10.5');
  await write(folder, 'movement_c6_64sc_b', recording(2, 0, 6), '2026-03-01T10:00:40.5');
  const [recall, falseAlarms] = motionFigures((await loadEsp32Motion(folder)).recordings).map(({ value }) => value);
  // 1 s of motion, and the 1 s that the window still holds it, of 6 s; 6 s and 1 s of the 9 s that are decided.
  t.ok(falseAlarms! > 0.2 && falseAlarms! < 0.4, `${falseAlarms}`);
  t.ok(recall! > 0.6 && recall! < 0.75, `${recall}`);
});

void t.test('the files say what is wrong with them', async (t) => {
  const folder = await temporaryFolder(t);
  await t.rejects(loadEsp32Motion(folder), DatasetError);
  await t.rejects(loadEsp32Motion(join(folder, 'nowhere')), DatasetError);
  await writeFile(join(folder, 'baseline_c6_64sc_a.i8'), new Int8Array(128));
  await t.rejects(loadEsp32Motion(folder), { name: 'DatasetError', message: /1 files.*does not lie beside it/ });
  await write(folder, 'baseline_c6_64sc_b', new Int8Array(129), '2026-03-01T10:00:10');
  await write(folder, 'baseline_c6_64sc_c', new Int8Array(packets * 128), '2026-03-01T10:00:10', { chip: 'c9' });
  await write(folder, 'baseline_c6_64sc_d', new Int8Array(packets * 128), '2026-03-01T10:00:10');
  await write(folder, 'baseline_c6_64sc_e', new Int8Array(packets * 128), '2026-03-01T10:00:10');
  await writeFile(join(folder, 'baseline_c6_64sc_e.json'), 'no JSON');
  const { recordings, unreadable } = await loadEsp32Motion(folder);
  t.strictSame(
    recordings.map(({ id }) => id),
    ['baseline_c6_64sc_d'],
  );
  t.match(
    unreadable.map(({ reason }) => reason),
    [/does not lie beside it/, /129 bytes; 1000 packets are 128000/, /chip/, /JSON/],
  );
  t.strictSame(motionFigures(recordings), [], 'no pair, no figures');
});

void t.test('subcarriers lie where the chip says', async (t) => {
  const folder = await temporaryFolder(t);
  // Pair p holds imaginary part p, real part −p.
  const bytes = Int8Array.from({ length: 128 }, (_, i) => (i % 2 === 0 ? i / 2 : -(i - 1) / 2));
  await write(folder, 'baseline_c5_a', bytes, '2026-03-01T10:00:10', { chip: 'c5', packets: 1 });
  await write(folder, 'baseline_s3_b', bytes, '2026-03-01T10:00:10', { chip: 's3', packets: 1 });
  const { recordings } = await loadEsp32Motion(folder);
  const pairOf = (recording: number, k: number) => {
    const { csi, subcarriers } = recordings[recording]!.frames[0]!;
    const at = subcarriers.indexOf(k);
    t.equal(csi[2 * at], -csi[2 * at + 1]! + 0);
    return csi[2 * at + 1];
  };
  t.equal(pairOf(0, -32), 0);
  t.equal(pairOf(0, 10), 42);
  t.equal(pairOf(1, 10), 10);
  t.equal(pairOf(1, -1), 63);
});

void t.test('the recordings of five chips: recall above 99 %, false alarms below 0.5 %', { skip }, async (t) => {
  const { recordings, unreadable } = await loadEsp32Motion(data);
  t.strictSame(unreadable, []);
  for (const recording of recordings.filter(({ label }) => label !== 'test')) {
    const { packets: said } = JSON.parse(await readFile(join(data, `${recording.id}.json`), 'utf8')) as {
      packets: number;
    };
    t.equal(recording.frames.length, said);
  }
  const figures = motionFigures(recordings).filter((figure) => !figure.case.startsWith('test'));
  t.equal(figures.length, 10);
  for (const { case: chip, metric, value, packets: all, undecided } of figures) {
    t.ok(metric === 'recall' ? value > 0.99 : value < 0.005, `${chip} ${metric} ${value}`);
    t.ok(undecided < (metric === 'recall' ? 0.12 : 0.65) * all, `${chip}: ${undecided} of ${all} undecided`);
  }
});

void t.test('movement alone calibrates nothing', { skip }, async (t) => {
  const { recordings } = await loadEsp32Motion(data);
  for (const movement of recordings.filter(({ label }) => label === 'movement')) {
    const figures = motionFigures([{ ...movement, label: 'test' }]);
    for (const { undecided, packets: all } of figures) t.equal(undecided, all, movement.id);
  }
});
