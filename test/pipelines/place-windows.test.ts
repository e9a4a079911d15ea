import t from 'tap';
import type { Modality } from '../../drivers/frames.js';
import { createPlaceWindows, type PlaceWindow } from '../../pipelines/place-windows.js';
import { createWindowGrid } from '../../pipelines/window-grid.js';
import type { RefusedWindow, Window } from '../../pipelines/window.js';

const modalities = new Map<string, Modality>([
  ['wrist', 'imu'],
  ['camera', 'depth'],
]);

function place(wanted?: (modality: Modality) => boolean) {
  const grid = createWindowGrid({ length: 2, hop: 0.5 });
  grid.open('wrist', 10);
  grid.open('camera', 10.1);
  const given: PlaceWindow[] = [];
  const windows = createPlaceWindows({
    ...{ grid, modalities, patience: 0.4 },
    ...(wanted && { wanted }),
    onWindow: (window) => given.push(window),
  });
  const where = (sensor: string, index: number) => {
    const start = grid.startOf(index);
    return { modality: modalities.get(sensor)!, sensor, start, end: start + 2, completedAt: start + 2 };
  };
  const part = (sensor: string, index: number): Window => ({
    ...where(sensor, index),
    shape: [1],
    data: new Float32Array(1),
    still: false,
    heldSamples: 0,
    alignmentError: 0,
    marks: {},
  });
  const refused = (sensor: string, index: number): RefusedWindow => ({ ...where(sensor, index), reason: 'nobody' });
  const seen = () =>
    given.map(({ start, windows, absent }) => [
      start,
      windows.map(({ sensor }) => sensor).join(),
      absent.map(({ sensor, reason }) => `${sensor} ${reason}`).join(),
    ]);
  return { grid, windows, part, refused, seen };
}

void t.test('a window is given out when all sensors have given their part, at once', (t) => {
  const { windows, part, seen } = place();
  windows.add(part('wrist', 0));
  t.strictSame(seen(), []);
  windows.add(part('camera', 0));
  t.strictSame(seen(), [[10, 'wrist,camera', '']]);
  t.end();
});

void t.test('in the order of time: a complete one waits for the one before', (t) => {
  const { windows, part, seen } = place();
  windows.add(part('wrist', 0));
  windows.add(part('wrist', 1));
  windows.add(part('camera', 1));
  t.strictSame(seen(), []);
  windows.advance(12.39);
  t.strictSame(seen(), []);
  windows.advance(12.41);
  t.strictSame(seen(), [
    [10, 'wrist', 'camera late'],
    [10.5, 'wrist,camera', ''],
  ]);
  windows.add(part('camera', 0));
  t.strictSame(seen().length, 2, 'what comes too late is left out');
  t.strictSame([...windows.late], [['camera', 1]]);
  t.end();
});

void t.test('a part that is refused is not waited for; with nothing else there is no window', (t) => {
  const { windows, part, refused, seen } = place();
  windows.add(refused('camera', 0));
  windows.add(part('wrist', 0));
  windows.add(refused('camera', 1));
  windows.add(refused('wrist', 1));
  t.strictSame(seen(), [[10, 'wrist', 'camera nobody']]);
  t.end();
});

void t.test('a sensor that falls silent is not waited for; the end gives out what waits', (t) => {
  const { grid, windows, part, seen } = place();
  windows.add(part('wrist', 0));
  grid.close('camera');
  windows.gone('camera');
  t.strictSame(seen(), [[10, 'wrist', '']]);
  windows.add(part('wrist', 1));
  t.equal(seen().length, 2, 'nor expected');
  grid.open('camera', 12);
  windows.add(part('wrist', 2));
  t.equal(seen().length, 2);
  windows.end();
  t.strictSame(seen().at(-1), [11, 'wrist', 'camera late']);
  t.end();
});

void t.test('sensors that are not wanted are not waited for', (t) => {
  const { windows, part, seen } = place((modality) => modality === 'imu');
  windows.add(part('wrist', 0));
  t.strictSame(seen().length, 1, 'without the camera');
  windows.add(part('camera', 0));
  windows.add(part('camera', 1));
  windows.add(part('wrist', 1));
  t.strictSame(seen().slice(1), [[10.5, 'camera,wrist', '']], 'what is there is given out');
  t.equal(windows.late.get('camera'), undefined);
  t.end();
});

void t.test('a window that would be lost waits longer for the only wanted sensor, but not for ever', (t) => {
  const { windows, part, seen } = place((modality) => modality === 'imu');
  windows.add(part('camera', 0));
  windows.advance(13.9);
  t.strictSame(seen(), []);
  windows.add(part('wrist', 0));
  t.strictSame(seen(), [[10, 'camera,wrist', '']]);
  windows.add(part('camera', 1));
  windows.advance(14.6);
  t.strictSame(seen().slice(1), [[10.5, 'camera', 'wrist late']], 'two seconds');
  windows.add(part('camera', 2));
  windows.add(part('camera', 3));
  windows.add(part('wrist', 3));
  windows.advance(13.45);
  t.strictSame(
    seen().slice(2),
    [
      [11, 'camera', 'wrist late'],
      [11.5, 'camera,wrist', ''],
    ],
    'what its sensor has left out does not come any more',
  );
  t.end();
});

void t.test('the wanted set may change while a window waits', (t) => {
  let set: readonly Modality[] = ['depth'];
  const { windows, part, seen } = place((modality) => set.includes(modality));
  windows.add(part('wrist', 0));
  set = ['imu'];
  windows.add(part('camera', 0));
  windows.add(part('camera', 1));
  set = ['depth'];
  windows.advance(11.5);
  windows.add(part('wrist', 1));
  t.strictSame(
    seen().map(([start]) => start),
    [10, 10.5],
    'each once',
  );
  t.end();
});
