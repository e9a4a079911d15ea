/** Embeddings of cached encoder outputs, many at a time. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { exportAlignment } from '../models/alignment.js';
import { moduleOf } from '../models/trunk.js';
import type { Trunk } from '../models/trunk.js';

const most = 256;

/**
 * @param outputs encoder outputs [n, inputs] of the modality, as they came from the encoder
 * @returns [n, width], each row of length 1
 * @throws Error if the modality is not in the trunk or the outputs are not rows of its width
 */
export async function embed(
  trunk: Trunk,
  modality: string,
  outputs: Float32Array,
  { threads = 2 }: { threads?: number | undefined } = {},
): Promise<Float32Array> {
  const { inputs } = moduleOf(trunk, modality);
  const n = outputs.length / inputs;
  if (!Number.isInteger(n)) throw new Error(`embed: ${outputs.length} values are not rows of ${inputs} (${modality})`);
  const bad = outputs.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw new Error(`embed: row ${Math.floor(bad / inputs)} (${modality}) has a value ${outputs[bad]}`);
  const result = new Float32Array(n * trunk.width);
  if (n === 0) return result;
  const rows = Math.min(n, most);
  const session = await InferenceSession.create(exportAlignment(trunk, modality, rows), {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    logSeverityLevel: 3,
  });
  try {
    for (let begin = 0; begin < n; begin += rows) {
      // The graph's batch is fixed: the last one reaches back over rows that are done.
      const from = Math.min(begin, n - rows);
      const part = outputs.subarray(from * inputs, (from + rows) * inputs);
      const { embedding } = await session.run({ encoderOutput: new Tensor('float32', part, [rows, inputs]) });
      result.set(embedding!.data as Float32Array, from * trunk.width);
    }
  } finally {
    await session.release();
  }
  return result;
}

/** An ensemble's embeddings: the mean of its members', each [n, width], at length 1 again. */
export function ensemble(members: readonly Float32Array[], width: number): Float32Array {
  const sum = new Float32Array(members[0]?.length ?? 0);
  for (const member of members) {
    if (member.length !== sum.length) throw new Error('ensemble: members of different lengths');
    for (let i = 0; i < sum.length; i++) sum[i]! += member[i]!;
  }
  for (let begin = 0; begin < sum.length; begin += width) {
    const row = sum.subarray(begin, begin + width);
    const length = Math.hypot(...row) || 1;
    for (let i = 0; i < width; i++) row[i]! /= length;
  }
  return sum;
}
