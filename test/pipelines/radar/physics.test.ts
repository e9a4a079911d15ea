/** What physics says of a target of known range, speed and direction, and of noise. */
import t from 'tap';
import { createRandom } from '../../../learning/random.js';
import { createCfar, createDetections, detect } from '../../../pipelines/radar/cfar.js';
import { createCubeDetector } from '../../../pipelines/radar/cube-detector.js';
import { createCubeHeatmaps, type CubeHeatmaps } from '../../../pipelines/radar/cube-heatmaps.js';
import { echoes, echoRadar, type Echo } from './echoes.js';

const random = createRandom(4);
const between = (low: number, high: number) => low + (high - low) * random.uniform();

function pointsOf(maps: CubeHeatmaps) {
  const detector = createCubeDetector(maps, { falseAlarmRate: 1e-6 });
  detector.update();
  return detector.points;
}

for (const raised of [0, 1] as const) {
  const radar = echoRadar(raised);
  const maps = createCubeHeatmaps({ geometry: radar.geometry, shape: radar.shape, components: 2, clutter: 'none' });
  const { rangeStep, velocityStep } = maps.scales;

  void t.test(`a target is found to a tenth of a bin, ${maps.rows.length} rows of antennas`, (t) => {
    // By hand: c · 10 MHz / (2 · 60 MHz/µs · 256) and c / (2 · 77 GHz · 64 · 180 µs).
    t.ok(Math.abs(rangeStep - 0.097589) < 1e-6, 'a range bin has 97.6 mm');
    t.ok(Math.abs(velocityStep - 0.168985) < 1e-6, 'a Doppler bin has 0.169 m/s');
    for (let i = 0; i < 16; i++) {
      const elevation = raised ? between(-0.35, 0.35) : 0;
      const target: Echo = {
        range: between(2, 18),
        velocity: between(-5, 5),
        azimuth: between(-0.9, 0.9),
        elevation,
        amplitude: 40,
      };
      maps.update(echoes(radar, [target], 20, random));
      const points = pointsOf(maps);
      const best = points.snr.subarray(0, points.count).indexOf(Math.max(...points.snr.subarray(0, points.count)));
      const errors = {
        range: (points.range[best]! - target.range) / rangeStep,
        velocity: (points.velocity[best]! - target.velocity) / velocityStep,
        azimuth: (Math.sin(points.azimuth[best]!) - Math.sin(target.azimuth)) / (2 / 64),
        elevation: raised ? points.elevation[best]! - elevation : 0,
      };
      const found =
        Math.abs(errors.range) < 0.1 &&
        Math.abs(errors.velocity) < 0.1 &&
        Math.abs(errors.azimuth) < 0.1 &&
        Math.abs(errors.elevation) < 0.01;
      t.ok(found, `target ${i}`, { target, errors });
      t.equal(Number.isNaN(points.elevation[best]), raised === 0, 'an elevation where there is more than one row');
      const [x, y, z] = points.position.subarray(3 * best);
      t.ok(Math.abs(Math.hypot(x!, y!, z!) - points.range[best]!) < 1e-5, 'the position is that far away');
      // (40² amplitude, 64 · 256 samples, Hann's coherent gain over its noise gain 2/3 on both axes) / noise 2 · 20².
      const expected = 10 * Math.log10(((40 ** 2 * 64 * 256) / (2 * 20 ** 2)) * (2 / 3) ** 2);
      const loss = 2 * 1.42; // at most, between two bins on both axes
      const snr = points.snr[best]!;
      t.ok(snr < expected + 1 && snr > expected - loss - 1, 'its SNR', { snr, expected });

      const azimuthPeak = maps.rangeAzimuthPower.reduce(
        (most, power, cell) => (power > maps.rangeAzimuthPower[most]! ? cell : most),
        0,
      );
      const direction = (2 * (azimuthPeak % 64)) / 64 - 1;
      const expectedDirection = Math.sin(target.azimuth) * Math.cos(elevation);
      t.ok(Math.abs(direction - expectedDirection) <= 1.01 / 64, 'the nearest bin of the range-azimuth map');
    }
    t.end();
  });
}

const radar = echoRadar();
const wide = createCubeHeatmaps({ geometry: radar.geometry, shape: radar.shape, components: 2, clutter: 'none' });
const { rangeStep, velocityStep } = wide.scales;

/** Points of nearly the strongest one's strength. */
function countTargets(targets: Echo[]): number {
  wide.update(echoes(radar, targets, 5, random));
  const { snr, count } = pointsOf(wide);
  const strongest = Math.max(...snr.subarray(0, count));
  return snr.subarray(0, count).filter((value) => value > strongest - 10).length;
}

void t.test('two targets two cells apart are two, half a cell apart one', (t) => {
  for (let i = 0; i < 8; i++) {
    const one: Echo = { range: between(4, 15), velocity: between(-4, 4), azimuth: -0.3, amplitude: 200 };
    const other = (ranges: number, velocities: number): Echo => ({
      ...one,
      range: one.range + ranges * rangeStep,
      velocity: one.velocity + velocities * velocityStep,
      azimuth: 0.35,
    });
    t.equal(countTargets([one, other(2, 0)]), 2, 'range, two cells');
    t.equal(countTargets([one, other(0.5, 0)]), 1, 'range, half a cell');
    t.equal(countTargets([one, other(0, 2)]), 2, 'velocity, two cells');
    t.equal(countTargets([one, other(0, 0.5)]), 1, 'velocity, half a cell');
  }
  t.end();
});

void t.test('the same in direction; a cell of 12 antennas is 2/12 wide', (t) => {
  for (let i = 0; i < 8; i++) {
    const one: Echo = { range: 100 * rangeStep, velocity: -2, azimuth: between(-0.6, 0.2), amplitude: 200 };
    for (const [cells, expected] of [
      [2, 2],
      [0.5, 1],
    ] as const) {
      const other = { ...one, velocity: 2, azimuth: Math.asin(Math.sin(one.azimuth) + (cells * 2) / 12) };
      wide.update(echoes(radar, [one, other], 5, random));
      const spectrum = wide.rangeAzimuthPower.subarray(100 * 64, 101 * 64);
      const most = Math.max(...spectrum);
      const peaks = spectrum.filter(
        (power, k) => power > most / 4 && power > spectrum[(k + 63) % 64]! && power >= spectrum[(k + 1) % 64]!,
      );
      t.equal(peaks.length, expected, `${cells} cells`);
    }
  }
  t.end();
});

void t.test('standing echoes go, moving ones stay', (t) => {
  const standing: Echo = { range: 6, velocity: 0, azimuth: 0.2, amplitude: 3000 };
  const moving: Echo = { range: 6, velocity: 20 * velocityStep, azimuth: -0.4, amplitude: 30 };
  const frame = echoes(radar, [standing, moving], 5, random);
  const at = (maps: CubeHeatmaps, bin: number) => maps.rangeDoppler[Math.round(6 / rangeStep) * 64 + bin]!;
  wide.update(frame);
  for (const clutter of ['chirp-mean', { weight: 0.05 }] as const) {
    const maps = createCubeHeatmaps({ geometry: radar.geometry, shape: radar.shape, components: 2, clutter });
    maps.update(frame);
    t.ok(at(maps, 32) < at(wide, 32) - 50, 'the wall is 50 dB weaker and more', { left: at(maps, 32) - at(wide, 32) });
    t.ok(Math.abs(at(maps, 52) - at(wide, 52)) < 0.01, 'the walker as strong as before');
  }
  t.end();
});

void t.test('false alarms on noise come as often as asked for', (t) => {
  const frames = Array.from({ length: 6 }, () => echoes(radar, [], 300, random));
  const detections = createDetections(16384);
  const falseAlarmRate = 0.01;
  for (const window of ['rectangular', 'hann'] as const) {
    const maps = createCubeHeatmaps({
      geometry: radar.geometry,
      shape: radar.shape,
      components: 2,
      clutter: 'none',
      rangeWindow: window,
      dopplerWindow: window,
    });
    // Of all antennas together, and of three of them each alone.
    const powers = { 12: [] as Float64Array[], 1: [] as Float64Array[] };
    for (const frame of frames) {
      maps.update(frame);
      powers[12].push(maps.rangeDopplerPower.slice());
      const { re, im } = maps.cube;
      for (const a of [0, 5, 11]) {
        const power = Float64Array.from({ length: 256 * 64 }, (_, cell) => {
          const at = (Math.floor(cell / 64) * 12 + a) * 64 + (cell % 64);
          return re[at]! ** 2 + im[at]! ** 2;
        });
        powers[1].push(power);
      }
    }
    for (const kind of ['cell-averaging', 'ordered-statistic'] as const) {
      for (const axis of ['range', 'doppler'] as const) {
        for (const looks of [12, 1] as const) {
          const correlation = maps.noiseCorrelation[axis];
          const cfar = createCfar({ kind, axis, training: 8, guard: 2, falseAlarmRate, looks, correlation }, 256);
          let found = 0;
          let noise = 0;
          for (const power of powers[looks]) {
            detect(power, 256, 64, cfar, detections);
            found += detections.count;
            for (let i = 0; i < detections.count; i++) noise += detections.noise[i]!;
          }
          const ratio = found / (powers[looks].length * 256 * 64) / falseAlarmRate;
          const name = `${kind} over ${axis}, ${window} window, ${looks} looks`;
          t.ok(ratio > 0.8 && ratio < 1.2, `${name}: ${ratio.toFixed(3)} of the rate`);
          // Where noise was mistaken its estimate is low, but not by much.
          const mean = powers[looks][0]!.reduce((sum, value) => sum + value, 0) / (256 * 64);
          t.ok(noise / found / mean > 0.6 && noise / found / mean < 1.05, `${name}: the noise is told`);
        }
      }
    }
  }
  t.end();
});
