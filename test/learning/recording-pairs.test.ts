import t from 'tap';
import { createRandom } from '../../learning/random.js';
import { createPairCollector, groupsOf, motionOf, movingPairs } from '../../learning/recording-pairs.js';
import type { PlaceWindow } from '../../pipelines/place-windows.js';
import type { Window } from '../../pipelines/window.js';

const random = createRandom(2);
const samples = 100;
const length = 2;

/** A burst in the middle of the window on top of even noise. */
function window(sensor: string, start: number, burst: number, about: Partial<Window> = {}): Window {
  const data = Float32Array.from({ length: samples * 3 }, (_, i) => {
    const time = Math.floor(i / 3) / samples;
    return burst * Math.exp(-((time - 0.5) ** 2) / 0.01) * Math.sin(80 * time) + 0.01 * random.normal();
  });
  const place = { sensor, modality: 'imu' as const, start, end: start + length, completedAt: start + length };
  return { ...place, shape: [samples, 3], data, still: false, heldSamples: 0, alignmentError: 0, marks: {}, ...about };
}
const together = (start: number, windows: Window[], absent: PlaceWindow['absent'] = []): PlaceWindow => ({
  ...{ start, end: start + length, windows, absent },
});
const nameOf = ({ sensor }: { sensor: string }) => ({ left: 'a', right: 'b' })[sensor];

void t.test('pairs of what moved; silence, rest and empty rooms are left out, and counted', (t) => {
  const collector = createPairCollector(['a', 'b'], nameOf);
  const both = (start: number, left: Partial<Window> = {}, right: Partial<Window> = {}) =>
    together(start, [window('left', start, 1, left), window('right', start, 2, right), window('other', start, 1)]);
  t.match(collector.add(both(0)), { start: 0, end: 2, windows: [{ sensor: 'left' }, { sensor: 'right' }] });
  t.equal(collector.add(both(1, { still: true })), undefined);
  t.equal(collector.add(both(2, {}, { heldSamples: 60 })), undefined);
  t.equal(
    collector.add(together(3, [window('left', 3, 1)], [{ sensor: 'right', modality: 'imu', reason: 'nobody' }])),
    undefined,
  );
  t.equal(collector.add(together(4, [window('right', 4, 1)])), undefined);
  const bad = window('right', 5, 1);
  bad.data[10] = NaN;
  t.equal(collector.add(together(5, [window('left', 5, 1), bad])), undefined);
  t.strictSame(collector.leftOut, { 'a: still': 1, 'b: held': 1, 'b: nobody': 1, 'a: absent': 1, notANumber: 1 });
  t.match(collector.lag(), { windows: 1 });
  t.end();
});

void t.test('a quiet room: both sensors must have seen motion', (t) => {
  const pair = (left: number, right: number) => ({
    motion: [motionOf(window('left', 0, left)), motionOf(window('right', 0, right))] as const,
  });
  const pairs = [pair(1, 1), pair(1, 0), pair(0, 1), pair(0, 0), pair(0.5, 0.6), pair(1, 0.9)];
  t.strictSame(movingPairs(pairs), [0, 4, 5]);
  t.strictSame(movingPairs([]), []);
  t.strictSame(movingPairs([{ motion: [0, 0] }]), [], 'nothing moves at all');
  t.end();
});

void t.test('overlapping windows are of one group', (t) => {
  const at = (start: number) => ({ start, end: start + length });
  t.strictSame(groupsOf([0, 0.5, 1.5, 2, 3.9, 4, 100].map(at)), [0, 0, 0, 1, 1, 2, 3]);
  t.strictSame(groupsOf([50, 51, 0].map(at), 7), [7, 7, 8], 'a second recording begins before');
  t.end();
});
