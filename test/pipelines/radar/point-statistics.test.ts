import t from 'tap';
import {
  pointStatisticNames,
  pointStatistics,
  pointStatisticsScratch,
  pointStatisticsWidth,
} from '../../../pipelines/radar/point-statistics.js';

const scratch = new Float64Array(pointStatisticsScratch);
const out = new Float32Array(pointStatisticsWidth);
const of = (name: string) => out[pointStatisticNames.indexOf(name)]!;
const close = (t: Tap, name: string, expected: number) =>
  t.ok(Math.abs(of(name) - expected) < 1e-5, `${name}: ${of(name)}, expected ${expected}`);
type Tap = Pick<typeof t, 'ok'>;

void t.test('three points, one of them moving, and a row without a point', (t) => {
  const points = Float32Array.from([
    ...[0, 2, 1, 0, 1, 2.2, 0, 1],
    ...[1, 2, 0, 0, 1, 2.2, 0, 1],
    ...[0.5, 3.5, -1, -0.6, 1.5, 3.7, 0, 1],
    ...[0, 0, 0, 0, 0, 0, 0, 0],
  ]);
  pointStatistics(points, scratch, out);
  close(t, 'points', 0.3);
  close(t, 'moving points', 0.1);
  close(t, 'share of moving points', 1 / 3);
  close(t, 'y mean', 2.5);
  close(t, 'y deviation', Math.sqrt(0.5));
  close(t, 'z lowest', -1);
  close(t, 'z highest', 1);
  close(t, 'speed mean', 0.2);
  close(t, 'z mean, moving', -1);
  close(t, 'velocity highest, moving', -0.6);
  // 30 dB is ten times the power of 20 dB.
  close(t, 'z by power', (1 - 10) / 12);
  // Cells of velocity are 0.4 m/s apart: 0 is the middle of cell 6; -0.6 lies between cells 4 and 5.
  close(t, 'velocity 6', 0.2);
  close(t, 'velocity 4', 0.05);
  close(t, 'velocity 5', 0.05);
  const cells = (axis: string) =>
    pointStatisticNames.reduce((sum, name, i) => sum + (new RegExp(`^${axis} \\d+$`).test(name) ? out[i]! : 0), 0);
  for (const axis of ['side', 'distance', 'height', 'velocity']) t.ok(Math.abs(cells(axis) - 0.3) < 1e-6, axis);
  for (const axis of ['side of moving points', 'height of moving points'])
    t.ok(Math.abs(cells(axis) - 0.1) < 1e-6, axis);
  t.end();
});

void t.test('what lies beyond the axes counts for the outermost cell; no points: zeros', (t) => {
  pointStatistics(Float32Array.from([9, 50, -7, 30, 0, 51, 0, 1]), scratch, out);
  close(t, 'side 8', 0.1);
  close(t, 'distance 12', 0.1);
  close(t, 'height 0', 0.1);
  close(t, 'velocity 12', 0.1);
  for (const snr of [-1e30, 1e30]) {
    pointStatistics(Float32Array.from([1, 2, 3, 0, snr, 4, 0, 1]), scratch, out);
    close(t, 'z by power', 3);
  }
  pointStatistics(new Float32Array(16), scratch, out);
  t.ok(out.every((value) => value === 0));
  t.end();
});
