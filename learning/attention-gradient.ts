import { attentionPieces, fromPieces, intoPieces } from '../models/attention.js';
import type { Graph } from '../models/graph.js';
import type { Value } from '../models/operators.js';

/**
 * w = softmax(s), s = q · kᵀ / √depth, y = w · v.   With r = Σ ∂y · y over each row's depth, which is Σ ∂w · w over its keys
 * (Dao et al., FlashAttention, 2022, appendix B.2), so that no pass over all weights is needed for it:
 * ∂v = wᵀ · ∂y   ∂w = ∂y · vᵀ   ∂s = w · (∂w − r)   ∂q = ∂s · k / √depth   ∂k = ∂sᵀ · q / √depth
 */
export function attentionGradient(g: Graph, dy: Value, outputs: readonly Value[]): Value {
  const pieces = attentionPieces({ outputs });
  const sizes = pieces.map(({ weights }) => weights.shape[0]!);
  const parts = intoPieces(g, dy, sizes);
  const gradients = pieces.map(({ queriesT, keysT, valuesT, weights, mixedT }, index) => {
    const [batch, heads, depth, tokens] = mixedT.shape as [number, number, number, number];
    const dyT = g.reshape(parts[index]!, mixedT.shape);
    const r = g.reshape(g.reduceSum(g.mul(dyT, mixedT), [2]), [batch, heads, tokens, 1]);
    const ds = g.mul(weights, g.sub(g.matMul(g.transpose(dyT), valuesT), r));
    const scale = 1 / Math.sqrt(depth);
    const dq = g.mul(g.matMul(keysT, g.transpose(ds)), scale);
    const dk = g.mul(g.matMul(queriesT, ds), scale);
    const dv = g.matMul(dyT, weights);
    return g.reshape(g.concat([dq, dk, dv], 1), [batch, 3 * heads * depth, tokens]);
  });
  return fromPieces(g, gradients);
}
