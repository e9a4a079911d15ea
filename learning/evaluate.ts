/** How good a tower is on recordings of subjects that it was not trained on. */
import type { Tower } from '../models/store.js';
import { openTower } from '../models/tower-session.js';
import { imuWindowsOfRecording } from '../pipelines/imu.js';
import type { ActivityRecording } from './datasets/dataset.js';

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
}

const still = 'still';

function highest(probabilities: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < probabilities.length; i++) if (probabilities[i]! > probabilities[best]!) best = i;
  return best;
}

/** Runs a tower over recordings, each cut into windows as the live pipeline cuts it, and compares with their labels. */
export async function evaluateTower(tower: Tower, recordings: readonly ActivityRecording[]): Promise<Evaluation> {
  const { classes, window: shape } = tower.manifest;
  const session = await openTower(tower, 'cpu', 1);
  const results: RecordingResult[] = [];
  for (const { id, label, samples, rate } of recordings) {
    const sum = new Float64Array(classes.length);
    const windows: string[] = [];
    for (const window of imuWindowsOfRecording(samples, rate, shape)) {
      if (window.still) {
        windows.push(still);
        continue;
      }
      const { probabilities } = await session.run(window.data, 1);
      windows.push(classes[highest(probabilities)]!);
      for (let i = 0; i < sum.length; i++) sum[i]! += probabilities[i]!;
    }
    const predicted = windows.every((found) => found === still) ? still : classes[highest(sum)]!;
    results.push({ id, label, predicted, windows });
  }
  await session.release();
  return summary(results);
}

function summary(recordings: readonly RecordingResult[]): Evaluation {
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
