import fc from 'fast-check';
import t from 'tap';
import { activityPolicy, createActivityState } from '../../daemon/activity-policy.js';
import { usualUnknownBelow } from '../../models/unknown.js';

/** What is told after each window, `hop` seconds apart. */
function told(settings: object, found: readonly (string | [string, number])[], hop = 0.5) {
  const state = createActivityState(activityPolicy.parse(settings));
  return found.map((one, i) => {
    const [activity, confidence] = typeof one === 'string' ? [one, 0.9] : one;
    return state.window(activity, confidence, i * hop);
  });
}
const names = (all: { activity: string }[]) => all.map(({ activity }) => activity).join(' ');

void t.test(
  'one window that says otherwise flips nothing; two do, and the activity is since the first of them',
  (t) => {
    const all = told({}, ['walk', 'walk', 'sit', 'walk', 'sit', 'sit', 'sit']);
    t.equal(names(all), 'walk walk walk walk walk sit sit');
    t.strictSame(all.map(({ change }) => change), [true, false, false, false, false, true, false]); // prettier-ignore
    t.equal(all.at(-1)!.since, 2);
    t.equal(names(told({}, ['walk', 'sit', 'jog', 'sit', 'jog'])), 'walk walk walk walk walk', 'in a row');
    t.equal(names(told({ windows: 1 }, ['walk', 'sit', 'walk'])), 'walk sit walk');
    t.end();
  },
);

void t.test('an activity lasts at least so long', (t) => {
  const all = told({ windows: 1, minimumDuration: 1.5 }, ['walk', 'sit', 'sit', 'sit', 'sit']);
  t.equal(names(all), 'walk walk walk sit sit');
  t.end();
});

void t.test('a window that is not sure says unknown', (t) => {
  t.equal(names(told({ windows: 1, unknownBelow: 0.5 }, [['walk', 0.4], ['walk', 0.6], ['sit', 0.49]])), 'unknown walk unknown'); // prettier-ignore
  t.end();
});

void t.test('unknown without a setting: the measured threshold; 0 never says it', (t) => {
  t.equal(activityPolicy.parse({}).unknownBelow, usualUnknownBelow);
  const [below, at] = [usualUnknownBelow - 0.01, usualUnknownBelow];
  t.equal(names(told({ windows: 1 }, [['walk', below], ['walk', at], ['sit', below]])), 'unknown walk unknown'); // prettier-ignore
  t.equal(names(told({ windows: 1, unknownBelow: 0 }, [['walk', 0], ['sit', 0.01]])), 'walk sit'); // prettier-ignore
  t.equal(names(told({}, [['walk', 0.9], ['sit', below], ['walk', 0.9], ['sit', below], ['sit', below]])), 'walk walk walk walk unknown', 'not by one window'); // prettier-ignore
  t.end();
});

void t.test('after nobody gave windows, the first one counts at once', (t) => {
  const state = createActivityState(activityPolicy.parse({ windows: 3 }));
  t.match(state.window('walk', 1, 0), { activity: 'walk', change: true });
  t.match(state.absent(5), { activity: 'unknown', since: 5, change: true });
  t.match(state.absent(6), { activity: 'unknown', since: 5, change: false });
  t.match(state.window('sit', 1, 9), { activity: 'sit', since: 9, change: true });
  t.match(state.window('walk', 1, 10), { activity: 'sit', change: false });
  t.match(state.window('walk', 1, 13), { activity: 'walk', since: 13, change: true }, 'or for 2 s');
  t.end();
});

void t.test('whatever is found: a change is told where, and only where, the activity is another', (t) => {
  const window = fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.double({ min: 0, max: 1, noNaN: true }));
  const policy = fc.record({ windows: fc.integer({ min: 1, max: 4 }), minimumDuration: fc.double({ min: 0, max: 3, noNaN: true }), unknownBelow: fc.double({ min: 0, max: 1, noNaN: true }) }); // prettier-ignore
  fc.assert(
    fc.property(policy, fc.array(window, { minLength: 1 }), (settings, found) => {
      const all = told(settings, found);
      all.forEach(({ activity, since, change }, i) => {
        if (change !== (activity !== all[i - 1]?.activity)) throw new Error(`change at ${i}`);
        if (since > i * 0.5 || since < (all[i - 1]?.since ?? 0)) throw new Error(`since at ${i}`);
      });
    }),
  );
  t.end();
});
