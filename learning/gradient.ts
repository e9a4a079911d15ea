/**
 * Reverse accumulation over a graph (Griewank & Walther, Evaluating Derivatives, 3.2): from a scalar loss back to what it depends on,
 * by one rule an operator. The gradients are nodes of the same graph, standard ONNX operators like the rest.
 */
import type { Graph } from '../models/graph.js';
import type { Value } from '../models/operators.js';
import { text } from '../models/operators.js';
import { rules, stops } from './gradient-rules.js';

/** The nodes' values that depend on any of `sources` in a way that a gradient can follow. */
function dependents(g: Graph, sources: readonly Value[]): Set<Value> {
  const reached = new Set(sources);
  for (const { op, inputs, outputs } of g.nodes)
    if (!stops.has(op) && inputs.some((value) => reached.has(value))) for (const value of outputs) reached.add(value);
  return reached;
}

/**
 * Appends to the graph the derivatives of a scalar loss by each of `by`, in that order; by default by the trainable parameters, in
 * the order of `graph.packing()`. Each has the shape of what it is the derivative by.
 * @throws Error if the loss is no scalar, depends on something through an operator without a gradient, or not at all
 */
export function gradient(
  g: Graph,
  loss: Value,
  by: readonly Value[] = g.parameters.filter(({ trainable }) => trainable).map(({ value }) => value),
): Value[] {
  if (loss.shape.length > 0)
    throw new Error(`gradient: the loss has shape ${text(loss.shape)}; reduce it to a scalar, []`);
  const between = dependents(g, by);
  const parts = new Map<Value, Value>([[loss, g.scalar(1, loss.type)]]);

  for (const { op, inputs, outputs, attributes } of g.nodes.slice().reverse()) {
    const dys = outputs.map((value) => parts.get(value));
    if (!dys.some(Boolean) || stops.has(op) || !inputs.some((value) => between.has(value))) continue;
    const rule = rules[op];
    if (!rule) throw new Error(`gradient: ${op} has no rule in learning/gradient-rules.ts; stopGradient leaves it out`);
    const [y] = outputs as [Value];
    const found = rule(g, inputs, dys[0] ?? g.filled(y.shape, 0), { y, outputs, dys, attributes });
    for (const [index, value] of inputs.entries()) {
      if (!between.has(value)) continue;
      const part = found[index];
      if (!part) throw new Error(`gradient: ${op} has no gradient toward its input ${index}, '${value.name}'`);
      const others = parts.get(value);
      parts.set(value, others ? g.add(others, part) : part);
    }
  }

  return by.map((value) => {
    const found = parts.get(value);
    if (found) return found;
    throw new Error(`gradient: the loss does not depend on '${value.name}' by any path that a gradient can follow`);
  });
}
