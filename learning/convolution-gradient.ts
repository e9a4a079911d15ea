/** Gradients of convolution and pooling, in any number of spatial axes. */
import type { Graph } from '../models/graph.js';
import type { Attributes, Shape, Value } from '../models/operators.js';
import { integer, integers, sizeOf, slidingGeometry } from '../models/operators.js';

type Geometry = Attributes & { readonly group: number };

/** Elements that the strides left over at the end of each spatial axis of the input. */
function leftOver(input: Shape, output: Shape, attributes: Attributes, kernel: Shape): number[] {
  const { strides, dilations, pads } = slidingGeometry(attributes, kernel);
  return kernel.map((size, axis) => {
    const padded = input[axis + 2]! + pads[axis]! + pads[axis + kernel.length]!;
    return padded - (size - 1) * dilations[axis]! - 1 - (output[axis + 2]! - 1) * strides[axis]!;
  });
}

/** ∂x of x ⋆ w: the transposed convolution of ∂y with the same kernel. */
export function convolutionInput(g: Graph, shape: Shape, w: Value, dy: Value, { group, ...rest }: Geometry): Value {
  const kernel = w.shape.slice(2);
  const { strides, dilations, pads } = slidingGeometry(rest, kernel);
  const extra = leftOver(shape, dy.shape, rest, kernel);
  const attributes = { kernel_shape: kernel, strides, dilations, pads, group, output_padding: extra };
  return g.apply('ConvTranspose', [dy, w], attributes)[0]!;
}

/**
 * ∂w of x ⋆ w as one matrix product a group: x is unfolded (im2col) so that column (n, position) holds what each kernel element saw there,
 * [group, channels / group · kernel, batch · positions], and multiplied with ∂y as [group, outputs / group, batch · positions].
 */
export function convolutionWeights(g: Graph, x: Value, shape: Shape, dy: Value, { group, ...rest }: Geometry): Value {
  const kernel = shape.slice(2);
  const { strides, dilations, pads } = slidingGeometry(rest, kernel);
  const spatial = kernel.length;
  const swap = [1, 0, ...kernel.map((_, axis) => axis + 2)];
  const positions = dy.shape.slice(2);

  const around = [0, 0, ...pads.slice(0, spatial), 0, 0, ...pads.slice(spatial)];
  const channelsFirst = g.transpose(x, swap);
  const padded = around.some((pad) => pad > 0) ? g.pad(channelsFirst, around) : channelsFirst;
  const [channels, batch] = padded.shape as [number, number];

  // One slice for each kernel element, outer axes first, as the kernel's own layout has them.
  const seen = kernel.reduce<Value[]>(
    (slices, size, axis) =>
      slices.flatMap((part) =>
        Array.from({ length: size }, (_, element) => {
          const start = element * dilations[axis]!;
          const reach = (positions[axis]! - 1) * strides[axis]! + 1;
          if (size === 1 && reach === part.shape[axis + 2]! && strides[axis] === 1) return part;
          return g.slice(part, axis + 2, start, start + reach, strides[axis]);
        }),
      ),
    [padded],
  );
  const columns = batch * sizeOf(positions);
  const unfolded = g.concat(
    seen.map((part) => g.reshape(part, [channels, 1, columns])),
    1,
  );
  const rows = g.reshape(g.transpose(dy, swap), [group, -1, columns]);
  const product =
    group === 1
      ? g.gemm(g.reshape(rows, [-1, columns]), g.reshape(unfolded, [-1, columns]), undefined, { transB: true })
      : g.matMul(rows, g.transpose(g.reshape(unfolded, [group, -1, columns])));
  return g.reshape(product, shape);
}

/** ∂x of an average over windows: each ∂y / k spread over its window, padding cut off. Channels count as batch. */
export function poolingInput(g: Graph, shape: Shape, dy: Value, attributes: Attributes): Value {
  const kernel = integers(attributes, 'kernel_shape', []);
  if (integer(attributes, 'count_include_pad', 0) !== 1)
    throw new Error('AveragePool: its gradient needs count_include_pad');
  const merged = (s: Shape): Shape => [s[0]! * s[1]!, 1, ...s.slice(2)];
  const share = g.filled([1, 1, ...kernel], 1 / sizeOf(kernel));
  const { strides, pads } = slidingGeometry(attributes, kernel);
  const geometry = { strides, pads, group: 1 };
  return g.reshape(convolutionInput(g, merged(shape), share, g.reshape(dy, merged(dy.shape)), geometry), shape);
}
