/** Small towers for tests, with results that can be worked out by hand. */
import { graph } from '../../models/graph.js';
import type { Graph, Value } from '../../models/graph.js';
import type { Manifest } from '../../models/manifest.js';
import { sha256 } from '../../models/store.js';
import type { LoadedTower } from '../../models/store.js';

export function manifest(overrides: Partial<Manifest> = {}): Omit<Manifest, 'files'> {
  return {
    formatVersion: 1,
    name: 'imu-test',
    modality: 'imu',
    title: 'A tower for tests',
    window: { rate: 50, samples: 2, hop: 1, channels: ['acceleration x, m/s²', 'acceleration y, m/s²'] },
    embedding: { width: 2, space: 'test' },
    classes: ['left', 'right'],
    temperature: 1,
    trainedOn: { text: 'not trained', datasets: [{ dataset: 'none', subjects: [1, 'b'], terms: 'none' }] },
    figures: { accuracy: 0.5 },
    seed: 0,
    created: '2026-01-01T00:00:00Z',
    gatewayVersion: '0.1.0',
    ...overrides,
  };
}

/** An ONNX file of one input [1, …shape] and one output. */
export function model(shape: readonly number[], build: (g: Graph, x: Value) => Value): Uint8Array {
  const g = graph();
  g.output('y', build(g, g.input('x', [1, ...shape])));
  return g.toOnnx({ parametersAs: 'initializers' });
}

/** Embedding = the mean of the window over its samples; logits = 2 · embedding + [0, 1]. */
export const encoder = model([2, 2], (g, x) => g.reduceMean(x, [1]));
export const head = model([2], (g, x) => g.add(g.mul(x, 2), g.parameter('bias', [2], [0, 1])));

export function tower(overrides: Partial<Manifest> = {}, models: { encoder?: Uint8Array; head?: Uint8Array } = {}) {
  const parts = { encoder, head, ...models };
  const files = {
    encoder: { path: 'encoder.onnx', sha256: sha256(parts.encoder) },
    head: { path: 'head.onnx', sha256: sha256(parts.head) },
  };
  return { manifest: { ...manifest(overrides), files }, ...parts, directory: 'nowhere' } satisfies LoadedTower;
}
