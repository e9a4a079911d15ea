/** What is drawn lies where the axes say, in the colour that the bar says. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { test } from 'tap';
import { colourOf, extent, noData } from '../../daemon/pictures/colours.js';
import { decibelRange, heatmap } from '../../daemon/pictures/heatmap.js';
import { images } from '../../daemon/pictures/images.js';
import { lines } from '../../daemon/pictures/lines.js';
import { equalSize, scatter } from '../../daemon/pictures/scatter.js';
import { decodePng } from './helpers/png.js';

const hot = colourOf(1, [0, 1], 'viridis');
const cold = colourOf(0, [0, 1], 'viridis');

void test('colour maps end as published', (t) => {
  t.strictSame([cold, hot], ['#440154', '#fde725'], 'viridis');
  t.strictSame([colourOf(-1, [0, 1], 'inferno'), colourOf(9, [0, 1], 'inferno')], ['#000004', '#fcffa4'], 'inferno');
  t.equal(colourOf(NaN, [0, 1], 'viridis'), noData);
  t.strictSame(extent([NaN, 3, -Infinity, 1]), [1, 3]);
  t.strictSame(extent([NaN]), [0, 1], 'nothing');
  t.strictSame(extent([7, 7]), [6.5, 7.5], 'one value');
  t.strictSame(decibelRange([-90, -3, NaN], 40), [-40, 0]);
  t.strictSame(decibelRange([12, 33], 60), [10, 35], 'no more than there is');
  t.end();
});

void test('one hot cell of a heatmap', async (t) => {
  // Row 1 of 5 from the bottom, column 7 of 10.
  const z = new Float32Array(50);
  z[17] = 1;
  const options = { x: { label: 'x (s)', range: [0, 10] }, y: { label: 'y (m)', range: [0, 5] } } as const;
  const value = { label: 'level', range: [0, 1] } as const;
  const size = { columns: 10, width: 400, height: 200 };
  const picture = await decodePng(await heatmap({ title: 'One cell', ...options, z, value, ...size }));
  t.ok(picture.width > 800 && picture.height > 400, `${picture.width} × ${picture.height}`);
  // The panel is 800 × 400 pixels, a cell 80 × 80; the colour bar has both colours too, in single rows.
  const rows = [];
  for (let y = 0; y < picture.height; y++) {
    let count = 0;
    for (let x = 0; x < picture.width; x++) if (picture.at(x, y) === hot) count++;
    if (count >= 70) rows.push(y);
  }
  t.ok(rows.length >= 76 && rows.length <= 81, `${rows.length} rows are hot`);
  const dark = picture.find(cold);
  const middle = rows[rows.length >> 1]!;
  let left = dark.left;
  while (picture.at(left, middle) !== hot) left++;
  t.ok(Math.abs(left - dark.left - 560) <= 4, `the cell begins ${left - dark.left} pixels from the left`);
  t.ok(Math.abs(middle - dark.top - 280) <= 4, `its middle lies ${middle - dark.top} pixels from the top`);
});

void test('cells that are no number are grey, in a map of nothing else too', async (t) => {
  const axes = { x: { label: 'x', range: [0, 4] }, y: { label: 'y', range: [0, 1] } } as const;
  const options = { title: 'No data', ...axes, columns: 4, value: { label: 'level' }, width: 200, height: 100 };
  const some = await decodePng(await heatmap({ ...options, z: [0, NaN, Infinity, -Infinity] }));
  t.ok(Math.abs(some.find(noData).count / 20000 - 1) < 0.1, 'a quarter of 400 × 200 pixels');
  const all = await decodePng(await heatmap({ ...options, z: new Float32Array(4).fill(NaN) }));
  t.ok(all.find(noData).count > 70000);
  t.throws(() => heatmap({ ...options, z: [] }), RangeError);
  t.throws(() => heatmap({ ...options, z: [1, 2, 3] }), RangeError);
});

void test('a line breaks where there is no number', async (t) => {
  const x = Float64Array.from({ length: 100 }, (_, i) => i);
  const y = x.map((one) => (one >= 40 && one < 60 ? NaN : 5));
  const options = { x: { label: 't (s)', range: [0, 100] }, y: { label: 'level', range: [0, 10] } } as const;
  const series = [{ name: 'one', x, y, colour: '#0000ff', width: 3 }];
  const picture = await decodePng(await lines({ title: 'Line', panels: [{ ...options, series, width: 500 }] }));
  const { top, bottom, left, right } = picture.find('#0000ff');
  const row = (top + bottom) >> 1;
  const blue = (share: number) => picture.at(Math.round(left + share * (right - left)), row) === '#0000ff';
  t.strictSame([0.1, 0.38, 0.45, 0.55, 0.65, 0.95].map(blue), [true, true, false, false, true, true]);
});

void test('points of a scatter, by value and by class', async (t) => {
  const points = { x: [1, 9, 5, NaN], y: [1, 9, 5, 2] };
  const axes = { x: { label: 'x (m)', range: [0, 10] }, y: { label: 'y (m)', range: [0, 10] } } as const;
  const one = { ...axes, points, size: 12, equal: true, width: 300, height: 300 } as const;
  const colour = { values: [0, 1, NaN, 1], label: 'v (m/s)', range: [0, 1] } as const;
  const picture = await decodePng(
    await scatter({ title: 'Values', panels: [{ ...one, colour, showColourBar: false }] }),
  );
  const [low, high, none] = [cold, hot, noData].map((name) => picture.find(name));
  t.ok(Math.abs(high!.left - low!.left - 480) < 5, 'eight units to the right');
  t.ok(Math.abs(low!.top - high!.top - 480) < 5, 'eight units up');
  t.ok(none!.count > 100, 'a value that is no number is grey');
  const classes = { classes: [0, 1, -1, 0], names: ['a', 'b'] };
  const second = await decodePng(await scatter({ title: 'Classes', panels: [{ ...one, colour: classes }] }));
  t.ok(second.find('#4c78a8').count > 100 && second.find('#f58518').count > 100);
  t.strictSame(equalSize([0, 4], [0, 2], 400, 400), { width: 400, height: 200 });
});

void test('a grid of pictures, first row on top', async (t) => {
  const tile = { caption: '0.0 s', width: 2, height: 2, values: [1, 1, 0, 0] };
  const picture = await decodePng(
    await images({ title: 'Tiles', tiles: [tile, tile, tile], columns: 3, value: { label: 'm', range: [0, 1] } }),
  );
  const [above, below] = [picture.find(hot), picture.find(cold)];
  t.ok(above.top < below.top && above.bottom < below.bottom);
  t.ok(above.count > 3 * 390 * 195 && below.count > 3 * 390 * 195, 'three of 400 × 400 pixels');
  const rgb = Uint8Array.of(255, 0, 0, 0, 255, 0);
  const colours = await decodePng(
    await images({ title: 'Colours', tiles: [{ caption: '', width: 2, height: 1, rgb }] }),
  );
  t.ok(colours.find('#ff0000').right < colours.find('#00ff00').right);
});

void test('the same picture on a machine without fonts', async (t) => {
  const module = (name: string) => JSON.stringify(new URL(`../../daemon/pictures/${name}.js`, import.meta.url).href);
  const program = `
    import { createHash } from 'node:crypto';
    import { GlobalFonts } from 'canvas';
    import { lines } from ${module('lines')};
    const before = GlobalFonts.families.length;
    const axis = { label: 'acceleration (m/s²)', range: [-1, 1] };
    const png = await lines({ title: 'Δφ of the wrist', panels: [{ x: axis, y: axis, series: [] }] });
    console.log(JSON.stringify({ before, hash: createHash('sha256').update(png).digest('hex') }));`;
  const run = async (...[command, ...words]: [string, ...string[]]) => {
    const { stdout } = await promisify(execFile)(command, [...words, '--input-type=module', '-e', program], {
      cwd: import.meta.dirname,
    });
    return JSON.parse(stdout) as { before: number; hash: string };
  };
  const here = await run(process.execPath);
  const axis = { label: '', range: [-1, 1] } as const;
  const blank = await lines({ title: '', panels: [{ x: axis, y: axis, series: [] }] });
  t.not(createHash('sha256').update(blank).digest('hex'), here.hash, 'texts are in it');
  if (here.before === 0) {
    t.comment('this machine has no fonts');
    return;
  }
  // A name space of mounts in which the folder of fonts is empty.
  const hidden = 'mount -t tmpfs none /usr/share/fonts && exec "$@"';
  const without = await run('unshare', '-rm', 'sh', '-c', hidden, 'sh', process.execPath).catch(() => undefined);
  if (without?.before === 0) t.equal(without.hash, here.hash);
  else t.comment('skipped: the fonts of this machine cannot be hidden');
});
