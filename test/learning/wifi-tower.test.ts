import t from 'tap';
import type { WifiFrame } from '../../drivers/frames.js';
import { augmentedCsi } from '../../learning/augment-csi.js';
import type { CsiAugmentation } from '../../learning/augment-csi.js';
import { createRandom } from '../../learning/random.js';
import { trainClassifier } from '../../learning/window-classifier.js';
import {
  csiInstants,
  csiProbabilities,
  csiWindows,
  csiWindowsOf,
  shareOfRight,
  sideBySide,
  wifiDesign,
  wifiRecipe,
} from '../../learning/wifi-tower.js';
import type { CsiExample } from '../../learning/wifi-tower.js';
import { wifiVitEncoder } from '../../models/towers/wifi-vit.js';
import { wifiWindow } from '../../models/towers/wifi-gru.js';

const [links, subcarriers] = wifiWindow.instant;
const width = links * subcarriers;
const { samples } = wifiWindow;
const none: CsiAugmentation = { warp: 0, noise: 0, gain: 0, linkLoss: 0, exchange: 0, shift: 0 };

/** Amplitudes that swing slowly or quickly. */
function example(classIndex: number, seed: number, count: number): CsiExample {
  const random = createRandom(seed);
  const phases = Float32Array.from({ length: width }, () => 6 * random.uniform());
  const rate = classIndex === 0 ? 0.3 : 1.2; // Hz
  const instants = Float32Array.from({ length: count * width }, (_, i) => {
    const time = Math.floor(i / width) / wifiWindow.rate;
    return 1 + 0.2 * Math.sin(2 * Math.PI * rate * time + phases[i % width]!) + 0.02 * random.normal();
  });
  return { instants, classIndex };
}

void t.test('augmentation: nothing asked, nothing changed; links exchanged whole; a short recording held', (t) => {
  const { instants } = example(0, 1, samples);
  const out = new Float32Array(samples * width);
  augmentedCsi(instants, links, subcarriers, none, createRandom(1), out);
  t.ok(
    out.every((value, i) => Math.abs(value - instants[i]!) < 1e-6),
    'the recording itself',
  );
  const places = new Set<number>();
  for (let seed = 0; seed < 20; seed++) {
    augmentedCsi(instants, links, subcarriers, { ...none, exchange: 1 }, createRandom(seed), out);
    const first = [0, 1, 2].find((link) =>
      [...out.subarray(0, subcarriers)].every((value, s) => Math.abs(value - instants[link * subcarriers + s]!) < 1e-6),
    );
    t.not(first, undefined);
    places.add(first!);
  }
  t.equal(places.size, links);
  augmentedCsi(instants, links, subcarriers, { ...none, linkLoss: 1 }, createRandom(1), out);
  t.equal(out.subarray(0, width).filter((value) => value === 0).length, subcarriers, 'one link is silent');
  augmentedCsi(instants.subarray(0, 20 * width), links, subcarriers, none, createRandom(2), out);
  t.ok(out.every(Number.isFinite));
  t.end();
});

void t.test('windows of a recording: every second; a short one is held at its end', (t) => {
  t.equal(csiWindowsOf(example(0, 1, samples + 65)).count, 3);
  const short = example(0, 1, 50);
  const { windows, count } = csiWindowsOf(short);
  t.equal(count, 1);
  t.equal(windows.at(-1), short.instants.at(-1));
  t.end();
});

void t.test('packets to instants: 30 a second, whatever the receiver’s gain', (t) => {
  const random = createRandom(4);
  const numbers = Int16Array.from({ length: subcarriers }, (_, i) => 2 * i - 29);
  const frames = Array.from({ length: 90 }, (_, i): WifiFrame => {
    const gain = 1 + random.uniform();
    const csi = Float32Array.from({ length: width * 2 }, (_, k) => gain * (10 + Math.sin(k) + 0.01 * random.normal()));
    const time = i / 30 + 0.004 * random.uniform();
    return { kind: 'wifi', arrivalTime: time, deviceTime: time, receivers: 3, transmitters: 1, subcarriers: numbers, csi, scale: 'raw' }; // prettier-ignore
  });
  const instants = csiInstants(frames);
  t.ok(Math.abs(instants.length / width - 90) <= 1, `${instants.length / width}`);
  for (let i = 0; i < instants.length; i++)
    if (!(Math.abs(instants[i]! - instants[i % width]!) < 0.05)) t.fail(`${i}: ${instants[i]}`);
  t.end();
});

void t.test('it learns what is slow and what is quick; recordings that are few are drawn as often', async (t) => {
  const examples = Array.from({ length: 32 }, (_, i) => example(i % 2, i, 220));
  const source = csiWindows(examples, wifiRecipe.augmentation, { repeated: examples.slice(0, 2), repeats: 16 });
  t.equal(source.count, 64);
  const weights = await trainClassifier(wifiDesign(wifiVitEncoder, 2), wifiRecipe, source, undefined, {
    seed: 1,
    threads: 1,
    epochs: 10,
    dataset: 'swings',
  });
  const test = Array.from({ length: 10 }, (_, i) => example(i % 2, 100 + i, 220));
  const probabilities = await csiProbabilities(wifiVitEncoder, [weights], test, 2, 1);
  t.ok(
    test.every((_, i) => Math.abs(probabilities[2 * i]! + probabilities[2 * i + 1]! - 1) < 1e-5),
    'they add up to 1',
  );
  const accuracy = shareOfRight(probabilities, test, 2);
  t.ok(accuracy >= 0.9, `${accuracy}`);
});

void t.test('side by side the surer network decides; a probability of 0 is a number too', (t) => {
  const [unsure, sure] = [Float32Array.of(0.6, 0.4, 0.5, 0.5), Float32Array.of(0.1, 0.9, 1, 0)];
  const scores = sideBySide([unsure, sure]);
  t.ok(scores.every(Number.isFinite));
  const examples = [1, 0].map((classIndex) => example(classIndex, 1, 10));
  t.equal(shareOfRight(unsure, examples, 2), 0.5);
  t.equal(shareOfRight(scores, examples, 2), 1);
  t.end();
});
