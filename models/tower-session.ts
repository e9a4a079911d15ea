/** One tower's two onnxruntime sessions. `run` blocks its thread: for worker threads and child processes. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { ModelError, windowLength, windowShape } from './manifest.js';
import type { Manifest } from './manifest.js';
import type { Provider } from './providers.js';
import type { Tower } from './store.js';

export interface Classification {
  /** [count, classes] */
  readonly probabilities: Float32Array<ArrayBuffer>;
  /** [count, width] */
  readonly embedding: Float32Array<ArrayBuffer>;
}

export interface TowerSession {
  /** @param window [count, samples, …shape] */
  run(window: Float32Array, count: number): Promise<Classification>;
  release(): Promise<void>;
}

function options(provider: Provider, threads: number): InferenceSession.SessionOptions {
  return {
    // In its other layout a convolution of 6, 9, 18, … channels comes out wrong (microsoft/onnxruntime, issue 29651; seen in 1.30).
    executionProviders: [provider === 'webgpu' ? { name: provider, preferredLayout: 'NCHW' } : provider],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    logSeverityLevel: 4,
    // Operators that the provider lacks would otherwise run on the CPU, and nobody would be told.
    ...(provider === 'cpu' ? {} : { extra: { session: { disable_cpu_ep_fallback: '1' } } }),
  };
}

/** One ONNX file with one float32 input and one float32 output; `file` is its name in messages. */
async function openModel(
  file: string,
  bytes: Uint8Array,
  itemShape: readonly number[],
  width: number,
  sessionOptions: InferenceSession.SessionOptions,
) {
  let session: InferenceSession;
  try {
    session = await InferenceSession.create(bytes, sessionOptions);
  } catch (error) {
    const reason = (error as Error).message;
    if (!/protobuf parsing failed|Model data pointer is null|No graph was found/i.test(reason)) throw error;
    throw new ModelError(`${file} is no whole ONNX file (cut off?): restore it or train the tower again`, {
      cause: error,
    });
  }
  const [input, ...furtherInputs] = session.inputMetadata;
  const [output, ...furtherOutputs] = session.outputMetadata;
  const wanted = `[N, ${itemShape.join(', ')}] → [N, ${width}]`;
  const itemLength = itemShape.reduce((product, size) => product * size, 1);
  if (!input?.isTensor || !output?.isTensor || furtherInputs.length > 0 || furtherOutputs.length > 0)
    throw await refuse(`does not have one tensor in and one out`);
  const given = `[${input.shape.join(', ')}] → [${output.shape.join(', ')}]`;
  const [batch] = input.shape;
  const fits =
    input.type === 'float32' &&
    output.type === 'float32' &&
    input.shape.length === itemShape.length + 1 &&
    (batch === 1 || typeof batch === 'string') &&
    itemShape.every((size, axis) => input.shape[axis + 1] === size) &&
    (output.shape.at(-1) === width || typeof output.shape.at(-1) === 'string');
  if (!fits) throw await refuse(`has ${input.type} ${given}`);

  async function refuse(what: string): Promise<ModelError> {
    await session.release();
    return new ModelError(`${file} ${what}; its manifest needs float32 ${wanted}, N = 1 or left open`);
  }

  async function runOnce(data: Float32Array, count: number): Promise<Float32Array> {
    const feed = new Tensor('float32', data, [count, ...itemShape]);
    const result = (await session.run({ [input!.name]: feed }))[output!.name]!;
    const values = result.data as Float32Array;
    if (values.length !== count * width)
      throw new ModelError(`${file} gave [${result.dims.join(', ')}]; its manifest needs ${wanted}`);
    // Not a ModelError: another provider may compute it right.
    if (!values.every(Number.isFinite)) throw new Error(`${file} gave a value that is no finite number`);
    return values;
  }

  /** [count, …itemShape] → [count, width], in an array of its own. */
  async function run(data: Float32Array, count: number): Promise<Float32Array<ArrayBuffer>> {
    if (batch !== 1) return new Float32Array(await runOnce(data, count));
    const all = new Float32Array(count * width);
    for (let i = 0; i < count; i++)
      all.set(await runOnce(data.subarray(i * itemLength, (i + 1) * itemLength), 1), i * width);
    return all;
  }
  return { run, release: () => session.release() };
}

/** Softmax of each row of `logits` [rows, classes], in place: exp((l − max) / T) / Σ. */
export function softmax<A extends Float32Array>(logits: A, classes: number, temperature: number): A {
  for (let start = 0; start < logits.length; start += classes) {
    const row = logits.subarray(start, start + classes);
    const largest = row.reduce((a, b) => Math.max(a, b));
    let sum = 0;
    for (let i = 0; i < classes; i++) sum += row[i] = Math.exp((row[i]! - largest) / temperature);
    for (let i = 0; i < classes; i++) row[i]! /= sum;
  }
  return logits;
}

function name({ manifest }: { manifest: Manifest }, part: 'encoder' | 'head'): string {
  return `the tower '${manifest.name}': ${manifest.files[part].path}`;
}

/**
 * Opens a tower on this provider alone and runs it once on zeros, which also warms it up.
 * @param threads of one operator
 * @throws ModelError if a file is no ONNX or does not fit its manifest; onnxruntime's error if the provider does not run it
 */
export async function openTower(tower: Tower, provider: Provider, threads: number): Promise<TowerSession> {
  const { embedding, classes, temperature } = tower.manifest;
  const shape = windowShape(tower.manifest);
  const sessionOptions = options(provider, threads);
  const encoder = await openModel(name(tower, 'encoder'), tower.encoder, shape, embedding.width, sessionOptions);
  const opened = [encoder];
  const release = async () => {
    for (const model of opened) await model.release();
  };
  try {
    const head = await openModel(name(tower, 'head'), tower.head, [embedding.width], classes.length, sessionOptions);
    opened.push(head);
    const run = async (data: Float32Array, count: number): Promise<Classification> => {
      const embedded = await encoder.run(data, count);
      const logits = await head.run(embedded, count);
      return { probabilities: softmax(logits, classes.length, temperature), embedding: embedded };
    };
    await run(new Float32Array(windowLength(tower.manifest)), 1);
    return { run, release };
  } catch (error) {
    await release();
    throw error;
  }
}
