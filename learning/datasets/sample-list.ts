/** Samples of three axes that come one by one, not always in order, without an object a sample: there are millions. */

export interface SortedSamples {
  /** [count] seconds, ascending. */
  readonly times: Float64Array;
  /** [count, 3] */
  readonly values: Float32Array;
  /** [count] */
  readonly labels: Int8Array;
  /** Samples that are no numbers, or at a time that another has. */
  readonly dropped: number;
}

export interface SampleList {
  add(time: number, x: number, y: number, z: number, label: number): void;
  sorted(): SortedSamples;
}

export function sampleList(): SampleList {
  let times = new Float64Array(256);
  let values = new Float32Array(3 * 256);
  let labels = new Int8Array(256);
  let [count, dropped] = [0, 0];

  function grow(): void {
    const [oldTimes, oldValues, oldLabels] = [times, values, labels];
    times = new Float64Array(2 * count);
    values = new Float32Array(6 * count);
    labels = new Int8Array(2 * count);
    times.set(oldTimes);
    values.set(oldValues);
    labels.set(oldLabels);
  }

  return {
    add(time, x, y, z, label) {
      if (![time, x, y, z].every(Number.isFinite)) {
        dropped++;
        return;
      }
      if (count === times.length) grow();
      times[count] = time;
      values.set([x, y, z], 3 * count);
      labels[count] = label;
      count++;
    },
    sorted() {
      const order = Uint32Array.from({ length: count }, (_, i) => i).sort((a, b) => times[a]! - times[b]! || a - b);
      const kept = order.filter((place, i) => i === 0 || times[place]! > times[order[i - 1]!]!);
      return {
        times: Float64Array.from(kept, (place) => times[place]!),
        values: Float32Array.from(
          { length: 3 * kept.length },
          (_, i) => values[3 * kept[Math.floor(i / 3)]! + (i % 3)]!,
        ),
        labels: Int8Array.from(kept, (place) => labels[place]!),
        dropped: dropped + count - kept.length,
      };
    },
  };
}
