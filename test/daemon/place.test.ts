import t from 'tap';
import { activityPolicy } from '../../daemon/activity-policy.js';
import { createPlace, type PlaceResult, type WindowResult } from '../../daemon/place.js';
import { isoTime } from '../../daemon/time.js';
import { activityMessage } from '../../daemon/topics.js';

const labels = ['wave', 'clap', 'throw'];

function result(probabilities: number[], more: object = {}): WindowResult {
  return {
    modality: 'imu',
    sensor: 'wrist',
    virtual: false,
    recorded: false,
    alignmentError: 0.002,
    still: false,
    labels,
    probabilities: Float32Array.from(probabilities),
    ...more,
  };
}
const still = result([], { still: true });
function place() {
  const made = createPlace({ virtual: true, recorded: false }, activityPolicy.parse({ windows: 1, unknownBelow: 0 }));
  return {
    update: (start: number, ...results: WindowResult[]) => made.update({ start, end: start + 2, results, absent: [] }),
    absent: (at: number) => made.absent(at),
    withAbsent: (absent: PlaceResult['absent']) =>
      made.update({ start: 0, end: 2, results: [result([0, 1, 0])], absent }),
  };
}

void t.test('one sensor: the most probable label, since the first window of its run', (t) => {
  const { update } = place();
  const first = update(10, result([0.123_456, 0.7, 0.176_544]));
  t.strictSame(first, {
    change: true,
    activity: {
      activity: 'clap',
      confidence: 0.7,
      since: isoTime(10),
      modalities: ['imu'],
      sensors: ['wrist'],
      contributions: [{ sensor: 'wrist', modality: 'imu', activity: 'clap', confidence: 0.7, alignmentError: 0.002 }],
      absent: [],
      probabilities: { wave: 0.1235, clap: 0.7, throw: 0.1765 },
      window: { start: isoTime(10), end: isoTime(12) },
      virtual: false,
      recorded: false,
    },
  });
  activityMessage.parse({ ...first.activity, change: first.change, sequence: 1 });

  const second = update(11, result([0.3, 0.4, 0.3]));
  t.equal(second.change, false);
  t.match(second.activity, { activity: 'clap', confidence: 0.4, since: isoTime(10), window: { start: isoTime(11) } });

  const third = update(12, result([0.9, 0.05, 0.05]));
  t.equal(third.change, true);
  t.match(third.activity, { activity: 'wave', since: isoTime(12) });
  t.end();
});

void t.test('a window at rest is still, certainly, with no model asked', (t) => {
  const { update } = place();
  update(10, result([0.9, 0.05, 0.05]));
  const { change, activity } = update(11, still);
  t.equal(change, true);
  t.match(activity, { activity: 'still', confidence: 1, since: isoTime(11) });
  t.strictSame(activity.probabilities, { still: 1 });
  t.equal(update(12, still).change, false);
  t.end();
});

void t.test('two sensors over the same window: their opinions multiplied, and each is told by itself', (t) => {
  const { update, withAbsent } = place();
  const camera = result([0.1, 0.9, 0], { sensor: 'camera', modality: 'depth', virtual: true, recorded: true });
  const both = update(10, result([0.6, 0.4, 0]), camera).activity;
  t.match(both, {
    activity: 'clap',
    confidence: 0.7802,
    probabilities: { wave: 0.2198, clap: 0.7802, throw: 0 },
    modalities: ['imu', 'depth'],
    sensors: ['wrist', 'camera'],
    contributions: [
      { sensor: 'wrist', activity: 'wave', confidence: 0.6 },
      { sensor: 'camera', activity: 'clap', confidence: 0.9 },
    ],
    virtual: true,
    recorded: true,
  });
  const half = update(11, result([0.6, 0.4, 0], { still: true }), camera).activity;
  t.match(half, { activity: 'still', probabilities: { still: 0.5, clap: 0.45, wave: 0.05 } });
  const three = update(12, result([0.6, 0.4, 0]), camera, result([0.2, 0.8, 0], { sensor: 'ankle' })).activity;
  t.strictSame(three.modalities, ['imu', 'depth'], 'a modality is named once');
  const absent = [{ sensor: 'camera', modality: 'depth', reason: 'late' }] as const;
  t.strictSame(withAbsent(absent).activity.absent, absent);
  t.end();
});

void t.test('nobody there: unknown, said once as a change, and the next window is a change again', (t) => {
  const { update, absent } = place();
  const gone = absent(10);
  t.equal(gone.change, true);
  t.strictSame(gone.activity, {
    activity: 'unknown',
    confidence: 0,
    since: isoTime(10),
    modalities: [],
    sensors: [],
    contributions: [],
    absent: [],
    probabilities: {},
    window: { start: isoTime(10), end: isoTime(10) },
    virtual: true,
    recorded: false,
  });
  activityMessage.parse({ ...gone.activity, change: true, sequence: 0 });
  const later = absent(20);
  t.equal(later.change, false);
  t.equal(later.activity.since, isoTime(10));
  t.equal(update(30, still).change, true);
  t.equal(absent(40).change, true);
  t.end();
});

void t.test('probabilities that are no numbers win nothing and still make a valid message', (t) => {
  const { update } = place();
  const { activity } = update(10, result([NaN, 0.2, Infinity]));
  t.match(activity, { activity: 'clap', probabilities: { wave: 0, throw: 0 } });
  const nothing = update(12, result([NaN, NaN, NaN])).activity;
  t.match(nothing, { activity: 'unknown', confidence: 0 });
  activityMessage.parse({ ...nothing, change: true, sequence: 1 });
  t.end();
});
