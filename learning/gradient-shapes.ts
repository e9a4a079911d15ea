/** Moves of shape that several gradients share. */
import type { Graph } from '../models/graph.js';
import type { Shape, Value } from '../models/operators.js';
import { axisOf, elementsOf, sameShape } from '../models/operators.js';

/** Undoes broadcasting: sums x over the axes that `shape` lacks or has as 1. */
export function fit(g: Graph, x: Value, shape: Shape): Value {
  if (sameShape(x.shape, shape)) return x;
  const added = x.shape.length - shape.length;
  const axes = [...x.shape.keys()].filter((axis) => axis < added || (shape[axis - added] === 1 && x.shape[axis] !== 1));
  return g.reshape(g.reduceSum(x, axes), shape);
}

/** Undoes a reduction's shape: repeats x along the reduced axes, whether it kept them as 1 or not. */
export function spread(g: Graph, x: Value, shape: Shape, axes: Value): Value {
  const reduced = new Set(elementsOf(axes).map((axis) => axisOf(axis, shape.length)));
  return g.expand(
    g.reshape(
      x,
      shape.map((size, axis) => (reduced.has(axis) ? 1 : size)),
    ),
    shape,
  );
}

/** Puts step − 1 zeros between neighbours on one axis. */
export function stretch(g: Graph, x: Value, axis: number, step: number): Value {
  if (step === 1) return x;
  const size = x.shape[axis]!;
  const column = [...x.shape.slice(0, axis + 1), 1, ...x.shape.slice(axis + 1)];
  const pads = column.map(() => 0);
  const wide = g.pad(g.reshape(x, column), [...pads, ...pads.with(axis + 1, step - 1)]);
  return g.slice(g.reshape(wide, x.shape.with(axis, size * step)), axis, 0, (size - 1) * step + 1);
}
