/**
 * What follows a frozen encoder in an aligned tower (Dai et al., 'Babel', SenSys 2025, 3.2): the modality's concept alignment module,
 * the prototype network that all modalities share, and L2 normalisation.
 *
 *     encoder output ─▶ standardised ─▶ inputs → 256 → 256 → width ─▶ width → 256 → width ─▶ ÷ its length ─▶ embedding
 *                                       concept alignment module      prototype network
 */
import { graph } from './graph.js';
import type { Graph, Value } from './graph.js';
import { linear } from './layers.js';
import type { Network } from './layers.js';
import type { ConceptModule, Trunk } from './trunk.js';
import { moduleOf } from './trunk.js';
import { trained } from './weights.js';
import type { Weights, WeightSource } from './weights.js';

/** Widths of the authors' code. */
export const alignmentDefaults = { width: 512, hidden: 256 } as const;

/** The names that a modality's module has in a graph begin with this. */
export const conceptPrefix = (modality: string): string => `concept.${modality}`;
export const prototypePrefix = 'prototype';

/** The hidden layers of a concept alignment module: [rows, inputs] → [rows, hidden]. */
function conceptHidden(network: Network, modality: string, x: Value, hidden: number): Value {
  const { g } = network;
  const name = conceptPrefix(modality);
  return g.relu(linear(network, `${name}.1`, g.relu(linear(network, `${name}.0`, x, hidden)), hidden));
}

/** Concept alignment module: standardised encoder outputs [rows, inputs] → [rows, width], two hidden layers with ReLU. */
export function conceptModule(network: Network, modality: string, x: Value, width: number, hidden: number): Value {
  return linear(network, `${conceptPrefix(modality)}.2`, conceptHidden(network, modality, x, hidden), width);
}

/** Prototype network, the same for all modalities: concepts [rows, width] → [rows, width], one hidden layer with ReLU. */
export function prototypeNetwork(network: Network, concepts: Value, hidden: number): Value {
  const inner = network.g.relu(linear(network, `${prototypePrefix}.0`, concepts, hidden));
  return linear(network, `${prototypePrefix}.1`, inner, concepts.shape[1]!);
}

/**
 * Module and prototype network of several modalities at once, as training runs them. Nothing bends between a module's last layer and the
 * prototype network's first: (h · W + b) · V + c = h · (W · V) + (b · V + c). One product of weights a modality takes the place of two
 * with every row, forward and in each gradient: a fifth of a step's arithmetic.
 * @param given modality and its standardised encoder outputs [rows, inputs]; the network must share weights by name
 * @returns [all rows, width]
 */
export function conceptsThroughPrototype(
  network: Network,
  given: readonly (readonly [modality: string, x: Value])[],
  width: number,
  hidden: number,
): Value {
  const { g, weights } = network;
  const parameter = (name: string, shape: readonly number[]) => {
    const initial = shape.length > 1 ? { uniform: 1 / Math.sqrt(shape[0]!) } : { fill: 0 };
    return g.parameter(name, shape, weights(name, shape, initial));
  };
  const hiddens = given.map(([modality, x]) => conceptHidden(network, modality, x, hidden));
  const layers = new Map(
    given.map(([modality]) => {
      const name = conceptPrefix(modality);
      return [
        modality,
        [parameter(`${name}.2.weight`, [hidden, width]), parameter(`${name}.2.bias`, [width])] as const,
      ];
    }),
  );
  const v = parameter(`${prototypePrefix}.0.weight`, [width, hidden]);
  const c = parameter(`${prototypePrefix}.0.bias`, [hidden]);
  const merged = new Map(
    [...layers].map(([modality, [w, b]]) => [
      modality,
      [g.gemm(w, v), g.gemm(g.reshape(b, [1, width]), v, c)] as const,
    ]),
  );
  const inner = given.map(([modality], k) => g.relu(g.gemm(hiddens[k]!, ...merged.get(modality)!)));
  return linear(network, `${prototypePrefix}.1`, g.concat(inner, 0), width);
}

/** Each row divided by its Euclidean length: [rows, width] → the same. A row of zeros stays one; the small term bounds the slope there. */
export function l2Normalised(g: Graph, x: Value): Value {
  const length = g.sqrt(g.add(g.reduceSum(g.mul(x, x), [1], true), 1e-8));
  return g.mul(x, g.reciprocal(length));
}

/**
 * An ensemble's embedding: the mean of its members', at length 1 again. Members are [rows, width]; enhanced towers (Babel, 3.2) are two
 * encoders of one modality that were aligned as if they were two.
 */
export function ensembleEmbedding(g: Graph, members: readonly Value[]): Value {
  const sum = members.slice(1).reduce((total, member) => g.add(total, member), members[0]!);
  return l2Normalised(g, g.mul(sum, 1 / members.length));
}

/** Folds (x − mean) / scale into the module's first layer, so that it takes an encoder's output as it is. */
export function foldedModule({ inputs, mean, scale, weights }: ConceptModule): Weights {
  const [w, b] = [weights.get('0.weight')!, weights.get('0.bias')!];
  const outputs = b.length;
  const weight = new Float32Array(w.length);
  const shift = Float64Array.from(b);
  for (let i = 0; i < inputs; i++)
    for (let j = 0; j < outputs; j++) {
      const value = w[i * outputs + j]! / scale[i]!;
      weight[i * outputs + j] = value;
      shift[j]! -= mean[i]! * value;
    }
  return new Map([...weights, ['0.weight', weight], ['0.bias', Float32Array.from(shift)]]);
}

/** Fixed weights of the modality's tail, by the names that `conceptModule` and `prototypeNetwork` ask for. */
function tailWeights(trunk: Trunk, modality: string): WeightSource {
  const named = (prefix: string, weights: Weights) =>
    [...weights].map(([name, values]): [string, Float32Array] => [`${prefix}.${name}`, values]);
  return trained(
    new Map([
      ...named(conceptPrefix(modality), foldedModule(moduleOf(trunk, modality))),
      ...named(prototypePrefix, trunk.prototype ?? new Map<string, Float32Array>()),
    ]),
  );
}

/**
 * Appends the trained tail of a modality to a graph: encoder output [rows, inputs] → embedding [rows, width], each row of length 1.
 * The weights become fixed parameters of the graph, whose names begin with `concept.<modality>` and `prototype`; a second tail in the same graph
 * goes on a graph of `prefixed`.
 * @throws Error if the trunk does not have the modality, or the output has another width
 */
export function alignedEmbedding(g: Graph, trunk: Trunk, modality: string, encoderOutput: Value): Value {
  const { inputs } = moduleOf(trunk, modality);
  if (encoderOutput.shape.length !== 2 || encoderOutput.shape[1] !== inputs)
    throw new Error(
      `alignedEmbedding: [${encoderOutput.shape.join(', ')}] is not [rows, ${inputs}], the encoder output of ${modality}`,
    );
  const parameter: Graph['parameter'] = (name, shape, values) => g.parameter(name, shape, values, { trainable: false });
  const network: Network = { g: { ...g, parameter }, weights: tailWeights(trunk, modality) };
  const concepts = conceptModule(network, modality, encoderOutput, trunk.width, trunk.hidden);
  return l2Normalised(g, trunk.prototype ? prototypeNetwork(network, concepts, trunk.hidden) : concepts);
}

/** The tail alone as an ONNX file, for encoders that came as one: `encoderOutput` [rows, inputs] → `embedding` [rows, width]. */
export function exportAlignment(trunk: Trunk, modality: string, rows = 1): Uint8Array {
  const g = graph();
  const output = g.input('encoderOutput', [rows, moduleOf(trunk, modality).inputs]);
  g.output('embedding', alignedEmbedding(g, trunk, modality, output));
  return g.toOnnx({ parametersAs: 'initializers' });
}
