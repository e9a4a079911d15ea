import t from 'tap';
import type { DepthFrame } from '../../../drivers/frames.js';
import { createDepthFeatures, type DepthFeatureOptions } from '../../../pipelines/depth/features.js';
import { createScene, person, type Board, type SceneOptions } from './scene.js';

const rate = 10;
/** For what takes minutes. */
const [coarse, coarseScene] = [{ size: 24 }, { width: 80, height: 60 }];

/** A camera that looks at scenes for some seconds each, and what became of each picture. */
function camera(options: DepthFeatureOptions = {}, sceneOptions: SceneOptions = {}) {
  const scene = createScene(sceneOptions);
  const features = createDepthFeatures({ background: 'learned', ...options });
  const size = features.shape[0]!;
  const out = new Float32Array(size * size);
  let time = 100;
  return {
    scene,
    features,
    size,
    out,
    take(frame: DepthFrame) {
      time += 1 / rate;
      return features.take({ ...frame, arrivalTime: time }, out) ?? 'taken';
    },
    /** Counts of the outcomes of `seconds` of pictures of one scene: a few, over and over. */
    look(seconds: number, boards: readonly Board[]): Record<string, number> {
      const pictures = Array.from({ length: 3 }, () => scene.picture(0, boards));
      const outcomes: Record<string, number> = {};
      for (let i = 0; i < seconds * rate; i++) {
        const outcome = this.take(pictures[i % pictures.length]!);
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      }
      return outcomes;
    },
  };
}

/** Share of the union of what is body in `out` and what of the boards falls into the box that both have. */
function overlap(seen: ReturnType<typeof camera>, boards: readonly Board[]): number {
  const { size } = seen;
  const { box } = seen.features;
  const places = boards.map((board) => seen.scene.place(board));
  let [both, either] = [0, 0];
  for (let i = 0; i < size * size; i++) {
    const x = box.left + (((i % size) + 0.5) * box.side) / size;
    const y = box.top + ((Math.floor(i / size) + 0.5) * box.side) / size;
    const expected = places.some(([l, r, top, b]) => x >= l && x < r && y >= top && y < b);
    if (expected && seen.out[i]! > 0) both++;
    if (expected || seen.out[i]! > 0) either++;
  }
  return both / either;
}

const bodyCells = (out: Float32Array) => out.filter((value) => value > 0).length;

void t.test('an empty room is learned in two seconds, and stays empty', (t) => {
  const seen = camera();
  t.equal(seen.features.state, 'calibrating');
  t.strictSame(seen.look(2, []), { calibrating: 20 });
  t.equal(seen.features.state, 'known');
  t.strictSame(seen.look(20, []), { nobody: 200 });
  t.end();
});

void t.test('who comes in is cropped, and leaves', (t) => {
  const seen = camera();
  seen.look(3, []);
  for (let step = 0; step <= 20; step++) {
    const boards = person(-0.8 + 0.08 * step, 2.6);
    t.equal(seen.take(seen.scene.picture(0, boards)), 'taken');
    const { left, top, side } = seen.features.box;
    for (const [l, r, a, b] of boards.map((board) => seen.scene.place(board))) {
      if (l < left - 1 || r > left + side + 1 || a < top - 1 || b > top + side + 1)
        t.fail(`step ${step}: not in the box`);
    }
    const share = overlap(seen, boards);
    if (share < 0.85) t.fail(`step ${step}: ${share} of the body`);
    if (Math.abs(seen.features.distance - 2.6) > 0.02) t.fail(`step ${step}: ${seen.features.distance} m`);
  }
  const body = seen.out.filter((value) => value > 0);
  t.ok(
    body.every((value) => Math.abs(value - 1) < 0.03),
    'a flat person is flat',
  );
  t.strictSame(seen.look(2, []), { nobody: 20 });
  t.end();
});

void t.test('what is nearer than the rest of the body is so by its metres', (t) => {
  const seen = camera();
  seen.look(3, []);
  const boards = person(0, 2.6);
  const [hand] = [{ x: [-0.1, 0.1], y: [-0.2, 0], z: 2.2 } as const];
  t.strictSame(seen.look(1, [...boards, hand]), { taken: 10 });
  const [l, r, top, b] = seen.scene.place(hand);
  const { size } = seen;
  const { box } = seen.features;
  const cell = (x: number, y: number) =>
    seen.out[Math.floor(((y - box.top) * size) / box.side) * size + Math.floor(((x - box.left) * size) / box.side)]!;
  t.ok(Math.abs(cell((l + r) / 2, (top + b) / 2) - 1.4) < 0.02, 'the hand');
  t.ok(Math.abs(cell((l + r) / 2, b + 4) - 1) < 0.02, 'the trunk below it');
  t.end();
});

void t.test('who stands stock-still stays for two minutes; who stirs now and then, as long as they like', (t) => {
  const seen = camera(coarse, coarseScene);
  seen.look(3, []);
  const boards = person(0.3, 2.6);
  seen.look(1, boards);
  const before = bodyCells(seen.out);
  t.strictSame(seen.look(120, boards), { taken: 1200 });
  t.ok(bodyCells(seen.out) > 0.97 * before, `${bodyCells(seen.out)} of ${before} cells`);

  const other = camera(coarse, coarseScene);
  other.look(3, []);
  for (let minute = 0; minute < 6; minute += 0.75) {
    t.strictSame(other.look(43, boards), { taken: 430 });
    other.look(2, person(0.3, 2.6, 0.25));
  }
  other.look(5, boards);
  t.ok(overlap(other, boards) > 0.8, `${overlap(other, boards)}`);
  t.end();
});

void t.test('furniture that was moved is learned after minutes, and what was behind it at once', (t) => {
  const seen = camera(coarse, coarseScene);
  const wardrobe: Board = { x: [-1.4, -0.7], y: [-0.9, 1], z: 3.2 };
  seen.look(3, [wardrobe]);
  const moved: Board = { x: [0.6, 1.3], y: [-0.9, 1], z: 3.2 };
  t.strictSame(seen.look(180, [moved]), { taken: 1800 }, 'it may be somebody');
  seen.look(80, [moved]);
  t.strictSame(seen.look(5, [moved]), { nobody: 50 });
  const boards = person(-1.0, 3.5);
  seen.look(1, [moved, ...boards]);
  t.ok(overlap(seen, boards) > 0.8, 'somebody who stands where the wardrobe was is seen behind it');
  t.end();
});

void t.test('people may be there while the room is learned', (t) => {
  const passing = camera();
  for (let step = 0; step < 22; step++) passing.take(passing.scene.picture(0, person(-1.2 + 0.11 * step, 2.6)));
  t.strictSame(passing.look(5, []), { nobody: 50 }, 'one who walks through leaves nothing');
  t.ok(passing.look(1, person(0, 2.6))['taken'] === 10 && overlap(passing, person(0, 2.6)) > 0.85);

  const standing = camera();
  standing.look(5, person(0, 2.6));
  t.strictSame(standing.look(5, []), { nobody: 50 }, 'one who stood is no ghost afterwards');
  const boards = person(0, 3.2);
  t.strictSame(standing.look(1, boards), { taken: 10 }, 'and is seen behind where they stood');
  t.ok(overlap(standing, boards) > 0.8);
  t.end();
});

void t.test('holes in the body are filled, what is seen past it is not', (t) => {
  const seen = camera({}, { holes: 0.08 });
  seen.look(3, []);
  const boards = person(0, 2.2);
  const dark: Board = { x: [-0.1, 0.1], y: [-0.2, 0.05], z: 0 };
  const picture = seen.scene.picture(0, boards);
  const [l, r, top, b] = seen.scene.place({ ...dark, z: 2.2 });
  for (let y = top; y < b; y++) picture.depth.fill(0, y * picture.width + l, y * picture.width + r);
  t.equal(seen.take(picture), 'taken');
  t.ok(overlap(seen, boards) > 0.85, `${overlap(seen, boards)} with a dark belt and 8 % of all pixels missing`);
  const { size } = seen;
  const { box } = seen.features;
  const row = Math.floor((((top + b) / 2 - box.top) * size) / box.side);
  const column = Math.floor((((l + r) / 2 - box.left) * size) / box.side);
  t.ok(Math.abs(seen.out[row * size + column]! - 1) < 0.03, 'in its middle too');

  // A frame held before the wall: through it the wall is seen.
  const ring: Board[] = [
    { x: [-0.4, 0.4], y: [-0.7, -0.5], z: 2.2 },
    { x: [-0.4, 0.4], y: [0.1, 0.3], z: 2.2 },
    { x: [-0.4, -0.2], y: [-0.7, 0.3], z: 2.2 },
    { x: [0.2, 0.4], y: [-0.7, 0.3], z: 2.2 },
  ];
  t.equal(seen.take(seen.scene.picture(0, ring)), 'taken');
  t.ok(overlap(seen, ring) > 0.8, `${overlap(seen, ring)}`);
  t.end();
});

void t.test('a camera that removes the background needs no learning', (t) => {
  for (const background of ['auto', 'removed'] as const) {
    const seen = camera({ ...coarse, background }, { ...coarseScene, removed: true });
    const boards = person(0.2, 2.6);
    t.strictSame(seen.look(1, []), { nobody: 10 });
    const seconds = background === 'removed' ? 200 : 10;
    t.strictSame(seen.look(seconds, boards), { taken: 10 * seconds }, 'nor does anybody melt');
    t.ok(overlap(seen, boards) > 0.8);
    t.strictSame(seen.look(1, []), { nobody: 10 });
  }
  const room = camera({ background: 'auto' });
  t.strictSame(room.look(3, []), { calibrating: 20, nobody: 10 }, 'a room is told from it');
  t.end();
});

void t.test('the person of before is followed though somebody larger comes', (t) => {
  const seen = camera();
  seen.look(3, []);
  t.strictSame(seen.look(1, person(0.7, 3)), { taken: 10 });
  t.strictSame(seen.look(1, [...person(0.7, 3), ...person(-0.6, 2)]), { taken: 10 });
  t.ok(Math.abs(seen.features.distance - 3) < 0.05);
  seen.features.reset();
  seen.look(1, [...person(0.7, 3), ...person(-0.6, 2)]);
  t.ok(Math.abs(seen.features.distance - 2) < 0.05, 'after a reset it is the larger one');
  t.equal(seen.features.state, 'known', 'but the room stays known');
  t.end();
});

void t.test('who squats stays low in the crop', (t) => {
  const seen = camera();
  seen.look(3, []);
  seen.look(2, person(0, 2.6));
  const squat = person(0, 2.6).map(({ x, y, z }): Board => ({ x, y: [1.1 - (1.1 - y[0]) * 0.55, y[1]], z }));
  seen.look(1, squat);
  const rows = [...seen.out.keys()].filter((i) => seen.out[i]! > 0).map((i) => Math.floor(i / seen.size));
  t.ok(Math.min(...rows) > 12, `from row ${Math.min(...rows)}`);
  t.ok(Math.max(...rows) > 40, `to row ${Math.max(...rows)}`);
  t.end();
});

void t.test('faults', (t) => {
  const seen = camera();
  const picture = seen.scene.picture(0, []);
  const { depth } = picture;
  t.equal(seen.take({ ...picture, depth: depth.subarray(1) }), 'absent');
  t.equal(seen.take({ ...picture, width: NaN }), 'absent');
  t.equal(seen.take({ ...picture, metresPerStep: 0 }), 'absent');
  t.equal(seen.take({ ...picture, width: 0, height: 0, depth: new Uint16Array() }), 'absent');
  seen.look(3, []);
  t.equal(seen.take({ ...picture, metresPerStep: 0.002 }), 'settingsChanged');
  t.equal(seen.take({ ...picture, metresPerStep: 0.002 }), 'calibrating');
  t.equal(seen.take(picture), 'settingsChanged');
  t.strictSame(seen.look(3, []), { calibrating: 20, nobody: 10 });
  t.equal(seen.take({ ...picture, depth: depth.map(() => 0) }), 'clipped', 'covered');
  t.equal(seen.take({ ...picture, depth: depth.map(() => 0xffff) }), 'clipped', 'blinded');
  const outcomes = Array.from({ length: 40 }, () => seen.take(picture));
  t.strictSame(outcomes.slice(0, 30), Array(30).fill('nobody'));
  t.strictSame(outcomes.slice(30), Array(10).fill('constant'));
  t.equal(seen.take(seen.scene.picture(0, [])), 'nobody', 'over when another picture comes');

  const near: Board = { x: [-3, 3], y: [-3, 3], z: 1.5 };
  const after = seen.look(8, [near]);
  t.ok(after['calibrating']! >= 20, 'a camera that was turned to a wall learns it anew');
  t.equal(seen.take(seen.scene.picture(0, [near])), 'nobody');
  t.end();
});
