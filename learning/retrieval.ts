/** Retrieval across modalities in the aligned space: how often what is looked for is near. */

/** Recordings seen by two modalities: embeddings [n, width] of each, row by row of the same recordings, each row of length 1. */
export interface RetrievalPairs {
  readonly width: number;
  readonly a: Float32Array;
  readonly b: Float32Array;
  /** [n] of each recording; absent: only instances are looked for. */
  readonly labels?: ArrayLike<string | number> | undefined;
  /** [n]: recordings of the query's own group other than itself are left out of what is searched (other windows of one execution). */
  readonly groups?: ArrayLike<string | number> | undefined;
}

export interface Retrieval {
  /** Share of the queries whose nearest neighbour, their own partner included, has their label; NaN without labels. */
  readonly class1: number;
  /** Share of the queries whose nearest neighbour other than their own partner has their label; NaN without labels or others. */
  readonly otherClass1: number;
  /** instance[k − 1]: share of the queries whose own partner is among the k nearest, k = 1 to `ranks`. */
  readonly instance: readonly number[];
  /** Median rank of the partner, 1 is first. */
  readonly medianRank: number;
}

export interface BothWays {
  /** Queries from a, searched in b. */
  readonly ab: Retrieval;
  readonly ba: Retrieval;
}

/** Cosines of every row of a with every row of b: [n, n], each row of length 1. */
function similarities(a: Float32Array, b: Float32Array, width: number, n: number): Float32Array {
  const result = new Float32Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) {
      let dot = 0;
      for (let k = 0, p = i * width, q = j * width; k < width; k++) dot += a[p + k]! * b[q + k]!;
      result[i * n + j] = dot;
    }
  return result;
}

function oneWay(at: (i: number, j: number) => number, n: number, pairs: RetrievalPairs, ranks: number): Retrieval {
  const { labels, groups } = pairs;
  const ranked: number[] = [];
  let [sameClass, sameOther, withOthers] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    const own = at(i, i);
    let rank = 1;
    let other = -1;
    for (let j = 0; j < n; j++) {
      if (j === i || (groups && groups[j] === groups[i])) continue;
      // Ties count against the query: embeddings that are all alike retrieve nothing.
      if (!(at(i, j) < own)) rank++;
      if (other < 0 || at(i, j) > at(i, other)) other = j;
    }
    ranked.push(rank);
    if (other >= 0) withOthers++;
    if (!labels) continue;
    const otherIsRight = other >= 0 && labels[other] === labels[i];
    if (otherIsRight) sameOther++;
    if (rank === 1 || otherIsRight) sameClass++;
  }
  const sorted = ranked.toSorted((x, y) => x - y);
  return {
    class1: labels ? sameClass / n : NaN,
    otherClass1: labels ? sameOther / withOthers : NaN,
    instance: Array.from({ length: ranks }, (_, k) => ranked.filter((rank) => rank <= k + 1).length / n),
    medianRank: sorted[n >> 1]!,
  };
}

/**
 * Both directions.
 * @param ranks the largest rank to report
 * @throws Error if the sides are not rows of the same recordings
 */
export function retrieval(pairs: RetrievalPairs, ranks = 10): BothWays {
  const { a, b, width, labels, groups } = pairs;
  const n = a.length / width;
  const fits = [labels, groups].every((list) => !list || list.length === n);
  if (!Number.isInteger(n) || n < 1 || b.length !== a.length || !fits)
    throw new Error(
      `retrieval: ${a.length} and ${b.length} values are not rows of width ${width} of the same recordings`,
    );
  const all = similarities(a, b, width, n);
  return {
    ab: oneWay((i, j) => all[i * n + j]!, n, pairs, ranks),
    ba: oneWay((i, j) => all[j * n + i]!, n, pairs, ranks),
  };
}

/** Recordings of one modality, with what each shows: embeddings [labels, width], each row of length 1. */
export interface LabelledRows {
  readonly embeddings: Float32Array;
  readonly labels: readonly (string | number)[];
}

/**
 * Of recordings that share no moment: the share of the queries whose nearest neighbour among the others' has their label.
 * @throws Error if there are none, or sizes do not agree
 */
export function nearestOfLabel(queries: LabelledRows, searched: LabelledRows, width: number): number {
  for (const { embeddings, labels } of [queries, searched])
    if (labels.length === 0 || embeddings.length !== labels.length * width)
      throw new Error(`retrieval: ${embeddings.length} values are not ${labels.length} rows of width ${width}`);
  const [n, m] = [queries.labels.length, searched.labels.length];
  let right = 0;
  for (let i = 0; i < n; i++) {
    let [nearest, most] = [-1, -Infinity];
    for (let j = 0; j < m; j++) {
      let dot = 0;
      for (let k = 0; k < width; k++) dot += queries.embeddings[i * width + k]! * searched.embeddings[j * width + k]!;
      if (dot > most) [nearest, most] = [j, dot];
    }
    if (searched.labels[nearest] === queries.labels[i]) right++;
  }
  return right / n;
}
