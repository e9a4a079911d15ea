/** How good a tower is on recordings of subjects that it was not trained on. */
import type { Manifest } from '../models/manifest.js';
import type { Tower } from '../models/store.js';
import { openTower } from '../models/tower-session.js';
import { imuWindowsOfRecording } from '../pipelines/imu.js';
import type { ActivityRecording } from './datasets/dataset.js';
import { calibrate, negativeLogLikelihood } from './heads/calibration.js';

/** What a tower says of one recording. */
export interface RecordingResult {
  readonly id: string;
  readonly label: string;
  /** Label of the highest mean probability over the recording's windows; `still` if the motion gate let none through. */
  readonly predicted: string;
  /** The label of each window, as the gateway would publish it. */
  readonly windows: readonly string[];
}

export interface Evaluation {
  /** Share of recordings with the right label. */
  readonly accuracy: number;
  /** Share of windows with the right label, still ones counted as wrong. */
  readonly windowAccuracy: number;
  /** Share of recordings with the right label, of each class that occurs. */
  readonly perClass: Readonly<Record<string, number>>;
  readonly recordings: readonly RecordingResult[];
  /** Of the windows that are not still and whose label the tower knows: what the logits are to be divided by, and the loss then, nats. */
  readonly calibration: { readonly temperature: number; readonly loss: number };
}

const still = 'still';
/** What is less is rounding. */
const leastProbability = 1e-30;

function highest(probabilities: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < probabilities.length; i++) if (probabilities[i]! > probabilities[best]!) best = i;
  return best;
}

/** A recording as a tower reads it. */
export interface LabelledWindows {
  readonly id: string;
  readonly label: string;
  /** Numbers of each window, and whether the motion gate would let it through. */
  readonly windows: readonly { readonly data: Float32Array; readonly still?: boolean }[];
}

/** An IMU's recording, cut into windows as the live pipeline cuts it. */
export function imuWindows(
  { id, label, samples, rate }: ActivityRecording,
  shape: Pick<Manifest['window'], 'rate' | 'samples' | 'hop'>,
): LabelledWindows {
  return { id, label, windows: imuWindowsOfRecording(samples, rate, shape) };
}

/** Runs an IMU tower over recordings and compares with their labels. */
export function evaluateTower(tower: Tower, recordings: readonly ActivityRecording[]): Promise<Evaluation> {
  return evaluateWindows(tower, recordings, (recording) => imuWindows(recording, tower.manifest.window));
}

/**
 * Runs a tower over recordings and compares with their labels.
 * @param windowsOf called with one recording after the other, so that not all windows need lie in memory
 */
export async function evaluateWindows<Recording>(
  tower: Tower,
  recordings: readonly Recording[],
  windowsOf: (recording: Recording) => LabelledWindows,
): Promise<Evaluation> {
  const { classes, temperature } = tower.manifest;
  const session = await openTower(tower, 'cpu', 1);
  const results: RecordingResult[] = [];
  const logits: number[] = [];
  const places: number[] = [];
  for (const recording of recordings) {
    const { id, label, windows: given } = windowsOf(recording);
    const sum = new Float64Array(classes.length);
    const windows: string[] = [];
    for (const window of given) {
      if (window.still) {
        windows.push(still);
        continue;
      }
      const { probabilities } = await session.run(window.data, 1);
      if (classes.includes(label)) {
        places.push(classes.indexOf(label));
        // Logarithms of probabilities differ from the logits over the temperature by a constant alone.
        for (const p of probabilities) logits.push(temperature * Math.log(Math.max(p, leastProbability)));
      }
      windows.push(classes[highest(probabilities)]!);
      for (let i = 0; i < sum.length; i++) sum[i]! += probabilities[i]!;
    }
    const predicted = windows.every((found) => found === still) ? still : classes[highest(sum)]!;
    results.push({ id, label, predicted, windows });
  }
  await session.release();
  return { ...summary(results), calibration: calibrationOf(Float32Array.from(logits), places, classes.length) };
}

/** @param logits [labels, classes] */
export function calibrationOf(
  logits: Float32Array,
  labels: readonly number[],
  classes: number,
): Evaluation['calibration'] {
  const temperature = calibrate(logits, labels, classes);
  return { temperature, loss: negativeLogLikelihood(logits, labels, classes, temperature) };
}

function summary(recordings: readonly RecordingResult[]): Omit<Evaluation, 'calibration'> {
  const right = (all: readonly RecordingResult[]) =>
    all.filter(({ label, predicted }) => label === predicted).length / all.length;
  const windows = recordings.flatMap((recording) => recording.windows.map((found) => found === recording.label));
  const labels = [...new Set(recordings.map(({ label }) => label))];
  return {
    accuracy: right(recordings),
    windowAccuracy: windows.filter(Boolean).length / windows.length,
    perClass: Object.fromEntries(
      labels.map((label) => [label, right(recordings.filter((recording) => recording.label === label))]),
    ),
    recordings,
  };
}
