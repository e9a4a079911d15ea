/** A recurrent layer written out step by step: ONNX Runtime's own has no gradient here. */
import type { Graph, Value } from './graph.js';
import { linear } from './layers.js';
import type { Network } from './layers.js';

/** WebGPU gives a shader eight buffers for certain, and a Split takes one for each part and one for what is split. */
const mostParts = 7;

/** [batch, steps, width] → `steps` of [batch, 1, width] */
function stepsOf(g: Graph, x: Value): Value[] {
  const steps = x.shape[1]!;
  if (steps === 1) return [x];
  let size = 1;
  while (size * mostParts < steps) size *= mostParts;
  const sizes = Array.from({ length: Math.ceil(steps / size) }, (_, i) => Math.min(size, steps - i * size));
  return g.split(x, sizes, 1).flatMap((part) => stepsOf(g, part));
}

/**
 * Gated recurrent unit (Cho et al., 'Learning Phrase Representations using RNN Encoder-Decoder', EMNLP 2014, in the form of cuDNN, where
 * the reset gate acts on the product):
 *
 *     r = σ(Wᵣx + Uᵣh + bᵣ)   u = σ(Wᵤx + Uᵤh + bᵤ)   n = tanh(Wₙx + b + r · (Uₙh + bₙ))   h ← (1 − u) · n + u · h
 *
 * @param x [batch, steps, inputs]
 * @param backward from the last step to the first
 * @returns [batch, steps, width], the state after each step, in the order of the steps; the state before the first is 0
 */
export function gatedRecurrent(network: Network, name: string, x: Value, width: number, backward = false): Value {
  const { g, weights } = network;
  const [batch, steps, inputs] = x.shape as [number, number, number];
  const rows = g.reshape(x, [batch * steps, inputs]);
  const driven = g.reshape(linear(network, `${name}.in`, rows, 3 * width), [batch, steps, 3 * width]);
  const each = stepsOf(g, driven);
  const initial = { uniform: 1 / Math.sqrt(width) };
  const u = g.parameter(`${name}.state.weight`, [width, 3 * width], weights(`${name}.state.weight`, [width, 3 * width], initial)); // prettier-ignore
  const b = g.parameter(`${name}.state.bias`, [3 * width], weights(`${name}.state.bias`, [3 * width], { fill: 0 }));
  const states: Value[] = [];
  let h = g.filled([batch, width], 0);
  const thirds = [width, width, width];
  for (let i = 0; i < steps; i++) {
    const step = backward ? steps - 1 - i : i;
    const [xr, xu, xn] = g.split(g.reshape(each[step]!, [batch, 3 * width]), thirds, 1) as [Value, Value, Value];
    const [hr, hu, hn] = g.split(g.gemm(h, u, b), thirds, 1) as [Value, Value, Value];
    const update = g.sigmoid(g.add(xu, hu));
    const next = g.tanh(g.add(xn, g.mul(g.sigmoid(g.add(xr, hr)), hn)));
    h = g.add(next, g.mul(update, g.sub(h, next)));
    states[step] = g.reshape(h, [batch, 1, width]);
  }
  return g.concat(states, 1);
}
