/**
 * AdamW as graph nodes: Loshchilov & Hutter, Decoupled Weight Decay Regularization (ICLR 2019), algorithm 2; moments of Kingma & Ba 2015.
 *
 *     m ← β₁ m + (1 − β₁) ∂        v ← β₂ v + (1 − β₂) ∂²
 *     θ ← θ − η (m / (1 − β₁ᵗ) / (√(v / (1 − β₂ᵗ)) + ε) + λ θ)
 *
 * All trainable parameters are one vector, so that a step is a dozen operators whatever their number.
 */
import type { Graph, PackedParameter } from '../models/graph.js';
import { packedName } from '../models/graph.js';
import type { OnnxValue } from '../models/onnx.js';
import type { Value } from '../models/operators.js';
import { gradient } from './gradient.js';

export interface AdamWOptions {
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
  /** λ, applied to what has two axes or more: matrices and kernels, not biases, scales and other vectors. */
  readonly weightDecay?: number;
  /** The whole gradient is scaled down to this Euclidean norm where it is longer (Pascanu et al. 2013). */
  readonly clipNorm?: number;
  /** The step's gradient by all trainable parameters as one vector, laid out as `packing()` says; absent: the loss's own. */
  readonly gradient?: Value | undefined;
  /**
   * What share of its update each parameter takes, by name; absent: all of it. With θ′ the update and 1 − μ the share, the parameter is
   * the moving average μ θ + (1 − μ) θ′.
   */
  readonly share?: ((name: string) => number) | undefined;
}

/** What a training step's file reads and gives besides the network's own inputs and outputs. */
export const stepNames = {
  parameters: packedName,
  firstMoment: 'firstMoment',
  secondMoment: 'secondMoment',
  learningRate: 'learningRate',
  /** 1 / (1 − β₁ᵗ) and 1 / (1 − β₂ᵗ), worked out by the caller in float64. */
  firstCorrection: 'firstCorrection',
  secondCorrection: 'secondCorrection',
  newParameters: 'newParameters',
  newFirstMoment: 'newFirstMoment',
  newSecondMoment: 'newSecondMoment',
  loss: 'loss',
  gradientNorm: 'gradientNorm',
} as const;

/** A training step, ready to run (see `createTrainer`). */
export interface TrainingStep {
  /** ONNX file. */
  readonly bytes: Uint8Array;
  readonly type: 'float32' | 'float64';
  /** What the network itself is fed at each step. */
  readonly inputs: readonly OnnxValue[];
  /** Names of the extra outputs. */
  readonly outputs: readonly string[];
  readonly packing: readonly PackedParameter[];
  /** The parameters' first values, packed. */
  readonly initial: Float32Array | Float64Array;
  readonly beta1: number;
  readonly beta2: number;
}

/** Several values as one vector. */
export function flattened(g: Graph, values: readonly Value[]): Value {
  return g.concat(
    values.map((value) => g.reshape(value, [-1])),
    0,
  );
}

/** Σ x², a scalar. (As a product of a row and a column it is five times as slow in onnxruntime 1.30.) */
export function squaredNorm(g: Graph, vector: Value): Value {
  return g.reduceSum(g.mul(vector, vector));
}

/**
 * Makes of a graph with a scalar loss the graph of one training step: gradients of all trainable parameters and their AdamW update.
 * @param extraOutputs values that each step also gives, for instance logits
 * @throws Error where `gradient` does
 */
export function trainingStep(
  g: Graph,
  loss: Value,
  extraOutputs: Readonly<Record<string, Value>> = {},
  options: AdamWOptions = {},
): TrainingStep {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0.01, clipNorm = Infinity } = options;
  const packing = g.packing();
  if (packing.length === 0) throw new Error('trainingStep: the graph has no trainable parameter');
  const inputs = [...g.inputs];
  const parameters = g.vector();
  const firstMoment = g.input(stepNames.firstMoment, parameters.shape);
  const secondMoment = g.input(stepNames.secondMoment, parameters.shape);
  const learningRate = g.input(stepNames.learningRate, []);
  const firstCorrection = g.input(stepNames.firstCorrection, []);
  const secondCorrection = g.input(stepNames.secondCorrection, []);

  const whole = options.gradient ?? flattened(g, gradient(g, loss));
  const norm = g.sqrt(squaredNorm(g, whole));
  const slope = clipNorm === Infinity ? whole : g.mul(whole, g.min(1, g.div(clipNorm, g.max(norm, 1e-12))));

  const m = g.add(g.mul(firstMoment, beta1), g.mul(slope, 1 - beta1));
  const v = g.add(g.mul(secondMoment, beta2), g.mul(g.mul(slope, slope), 1 - beta2));
  const direction = g.div(g.mul(m, firstCorrection), g.add(g.sqrt(g.mul(v, secondCorrection)), epsilon));
  const perParameter = (value: (parameter: PackedParameter) => number) =>
    g.concat(
      packing.map((parameter) => g.filled([parameter.length], value(parameter))),
      0,
    );
  const decay = perParameter(({ shape }) => (shape.length > 1 ? weightDecay : 0));
  const proposed = g.mul(g.add(direction, g.mul(parameters, decay)), learningRate);
  const { share } = options;
  const moved = share
    ? g.mul(
        proposed,
        perParameter(({ name }) => share(name)),
      )
    : proposed;

  g.output(stepNames.newParameters, g.sub(parameters, moved));
  g.output(stepNames.newFirstMoment, m);
  g.output(stepNames.newSecondMoment, v);
  g.output(stepNames.loss, loss);
  g.output(stepNames.gradientNorm, norm);
  for (const [name, value] of Object.entries(extraOutputs)) g.output(name, value);
  return {
    bytes: g.toOnnx({ parametersAs: 'vector' }),
    type: g.type,
    inputs,
    outputs: Object.keys(extraOutputs),
    packing,
    initial: g.packed(),
    beta1,
    beta2,
  };
}
