/** A temperature from few examples: where all of them are right, their likelihood alone would make the head infinitely sure. */
import { calibrate } from './calibration.js';

/** Places of the largest and of the second largest. */
function highestTwo(row: Float32Array): [number, number] {
  let [first, second] = [0, -1];
  for (let i = 1; i < row.length; i++)
    if (row[i]! > row[first]!) [first, second] = [i, first];
    else if (second < 0 || row[i]! > row[second]!) second = i;
  return [first, second];
}

/**
 * As `calibrate`, with one more example that nobody has seen: the one of median margin, mistaken for the second likeliest (the rule of
 * succession counts one failure more than there were; Platt, 'Probabilistic outputs for support vector machines', 1999, does alike).
 * @param logits [n, classes], two classes at least
 */
export function cautiousTemperature(logits: Float32Array, labels: readonly number[], classes: number): number {
  const rows = labels.map((_, i) => logits.subarray(i * classes, (i + 1) * classes));
  const margins = rows.map((row) => {
    const [first, second] = highestTwo(row);
    return { row, second, margin: row[first]! - row[second]! };
  });
  const median = margins.toSorted((a, b) => a.margin - b.margin)[margins.length >> 1];
  if (!median) return 1;
  const more = new Float32Array(logits.length + classes);
  more.set(logits);
  more.set(median.row, logits.length);
  return calibrate(more, [...labels, median.second], classes);
}
