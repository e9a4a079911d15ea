/** Executions of which a phone and a watch both saw the same moments. */
import { createHash } from 'node:crypto';
import { resampleRecording } from '../pipelines/resample.js';
import type { LabelledStream } from './datasets/dataset.js';

export const phoneWatchActivities = ['SEATED', 'STANDING_UP', 'WALKING', 'TURNING', 'SITTING_DOWN'] as const;
export const phoneWatchWindow = { rate: 100, samples: 128, hop: 64 } as const;
const { rate, samples } = phoneWatchWindow;

/** A stretch that both sensors saw without a gap. */
export interface PairedStretch {
  readonly subject: number;
  /** Place among all executions; gaps part an execution into several stretches. */
  readonly execution: number;
  /** [count, 6] at the window's rate. */
  readonly watch: Float32Array;
  readonly phone: Float32Array;
  /** [count] places of the labels by the watch's file. */
  readonly labels: Uint8Array;
}

/** Pairs of both sensors' executions as the stretches that they have in common. */
export function pairedStretches(streams: readonly LabelledStream[]): PairedStretch[] {
  const executions = new Map<string, Partial<Record<'watch' | 'phone', LabelledStream>>>();
  for (const stream of streams) {
    const execution = stream.id.replace(/_s[pw]$/, '');
    executions.set(execution, { ...executions.get(execution), [stream.sensor]: stream });
  }
  const stretches: PairedStretch[] = [];
  for (const [execution, { watch, phone }] of [...executions.values()].entries()) {
    if (!watch || !phone) continue;
    const [worn, carried] = [watch, phone].map((stream) =>
      resampleRecording(stream.times, stream.samples, 6, stream.rate, rate),
    ) as [ReturnType<typeof resampleRecording>, ReturnType<typeof resampleRecording>];
    for (const one of worn)
      for (const other of carried) {
        const start = Math.max(one.start, other.start);
        // Each sensor's grid is its own: they are half a period apart at most.
        const [from, otherFrom] = [one, other].map((segment) => Math.round((start - segment.start) * rate)) as [
          number,
          number,
        ];
        const count = Math.min(one.data.length / 6 - from, other.data.length / 6 - otherFrom);
        if (count < samples) continue;
        stretches.push({
          subject: watch.subject,
          execution,
          watch: one.data.subarray(from * 6, (from + count) * 6),
          phone: other.data.subarray(otherFrom * 6, (otherFrom + count) * 6),
          labels: labelsAt(watch, start, count),
        });
      }
  }
  return stretches;
}

/** Tells stretches from others. */
export function digestOfStretches(stretches: readonly PairedStretch[]): string {
  const hash = createHash('sha256');
  for (const { watch, phone, labels } of stretches) hash.update(watch).update(phone).update(labels);
  return hash.digest('hex').slice(0, 16);
}

/** The label of the sample nearest before each instant of the grid. */
function labelsAt({ times, labels }: LabelledStream, start: number, count: number): Uint8Array {
  const found = new Uint8Array(count);
  let at = 0;
  for (let i = 0; i < count; i++) {
    while (at + 1 < times.length && times[at + 1]! <= start + i / rate) at++;
    const place = (phoneWatchActivities as readonly string[]).indexOf(labels[at]!);
    if (place < 0)
      throw new Error(`phone-watch: the label '${labels[at]!}' is none of ${phoneWatchActivities.join(', ')}`);
    found[i] = place;
  }
  return found;
}
