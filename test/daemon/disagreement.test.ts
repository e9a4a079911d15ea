import t from 'tap';
import { createDisagreement, remedy, type Contribution } from '../../daemon/disagreement.js';
import { createModalitySet } from '../../daemon/modality-set.js';
import { placeModalities } from '../../daemon/topics.js';
import type { Modality } from '../../drivers/frames.js';

const modalityOf: Record<string, Modality> = { wrist: 'imu', joints: 'skeleton', camera: 'depth', ankle: 'imu' };
const say = (words: Record<string, string>, confidence = 0.8): Contribution[] =>
  Object.entries(words).map(([sensor, activity]) => ({ sensor, modality: modalityOf[sensor]!, activity, confidence }));

/** Windows every half second from `from` to `to`; the ends of those with which the report changed. */
function play(
  disagreement: ReturnType<typeof createDisagreement>,
  [from, to]: [number, number],
  contributions: (window: number) => Contribution[],
): number[] {
  const changes: number[] = [];
  for (let i = 0; from + i / 2 < to; i++)
    if (disagreement.window(from + i / 2, contributions(i))) changes.push(from + i / 2);
  return changes;
}
const summary = ({ now }: ReturnType<typeof createDisagreement>) =>
  now.map(({ sensor, share, mutual }) => [sensor, share, mutual]);

void t.test('one against two that agree is found after half a minute, and cleared when it agrees again', (t) => {
  const disagreement = createDisagreement();
  const wrong = () => say({ wrist: 'wave', joints: 'walk', camera: 'walk' });
  const right = () => say({ wrist: 'walk', joints: 'walk', camera: 'walk' });
  t.strictSame(play(disagreement, [0, 20], wrong), []);
  const [found, ...more] = play(disagreement, [20, 60], wrong);
  t.ok(found! > 20 && found! <= 30, `${found}`);
  t.strictSame(more, [], 'reported once');
  t.strictSame(summary(disagreement), [['wrist', 1, false]]);
  t.equal(disagreement.now[0]!.since, found);
  const cleared = play(disagreement, [60, 120], right);
  t.equal(cleared.length, 1);
  t.ok(cleared[0]! > 75 && cleared[0]! < 90, 'not by one window that agrees');
  t.strictSame(disagreement.now, []);
  t.end();
});

void t.test('what is seldom, or between others that differ too, is no disagreement', (t) => {
  for (const [what, contributions] of Object.entries({
    'every third window': (i: number) => say({ wrist: i % 3 ? 'walk' : 'wave', joints: 'walk', camera: 'walk' }),
    'three opinions': () => say({ wrist: 'wave', joints: 'walk', camera: 'clap' }),
    'two against two': () => say({ wrist: 'wave', ankle: 'wave', joints: 'walk', camera: 'walk' }),
    'one that rests': () => say({ wrist: 'still', joints: 'walk', camera: 'walk' }),
    'one that knows nothing': () => [
      ...say({ joints: 'walk', camera: 'walk' }),
      ...say({ wrist: 'wave' }, 0),
      ...say({ ankle: 'wave' }, NaN),
    ],
    'one alone': () => say({ wrist: 'wave' }),
    nobody: () => [],
  })) {
    const disagreement = createDisagreement();
    t.strictSame(play(disagreement, [0, 90], contributions), [], what);
  }
  t.end();
});

void t.test('two sensors disagree with each other until a third one tells which is wrong', (t) => {
  const disagreement = createDisagreement();
  play(disagreement, [0, 40], () => say({ wrist: 'wave', camera: 'walk' }));
  t.strictSame(summary(disagreement), [
    ['wrist', 1, true],
    ['camera', 1, true],
  ]);
  play(disagreement, [40, 100], () => say({ wrist: 'wave', camera: 'walk', joints: 'walk' }));
  t.strictSame(summary(disagreement), [['wrist', 1, false]]);
  t.match(
    remedy('room', disagreement.now[0]!),
    /room: wrist \(imu\) alone says another activity.*100 % .*modalities room/,
  );
  play(disagreement, [100, 140], () => say({ camera: 'walk', joints: 'walk' }));
  t.strictSame(disagreement.now, [], 'gone: nothing is said of it any more');
  t.end();
});

void t.test('a sensor of the same kind counts as one of the others', (t) => {
  const disagreement = createDisagreement();
  play(disagreement, [0, 40], () => say({ wrist: 'walk', ankle: 'wave', camera: 'walk' }));
  t.strictSame(summary(disagreement), [['ankle', 1, false]]);
  t.end();
});

void t.test('what the place tells names them, once', (t) => {
  const set = createModalitySet('room');
  set.sensors(
    ['wrist', 'joints', 'camera'].map((name) => ({
      name,
      modality: modalityOf[name]!,
      hasTower: true,
      virtual: true,
      recorded: false,
    })),
  );
  t.strictSame(set.change(0)?.disagreeing, []);
  set.disagreeing([{ sensor: 'wrist', modality: 'imu', since: 3, share: 0.9, mutual: false }]);
  const told = placeModalities.parse(set.change(4));
  t.match(told.disagreeing, [{ sensor: 'wrist', modality: 'imu', share: 0.9, mutual: false }]);
  t.equal(set.change(5), undefined);
  set.sensors([{ name: 'joints', modality: 'skeleton', hasTower: true, virtual: false, recorded: false }]);
  const last = set.change(6);
  t.strictSame(last?.disagreeing, [], 'a sensor that was taken out is not named any more');
  t.ok(told.virtual && !last?.virtual, 'and only those that are there make the place virtual');
  t.end();
});
