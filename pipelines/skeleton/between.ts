import type { Blend } from '../frame-windows.js';
import { jointChannels } from './normalise.js';

/** The skeleton between two frames, [joints, 4] each: joint by joint on a straight line, where both frames have seen it. */
export const betweenSkeletons: Blend = (a, b, part, out) => {
  for (let at = 0; at < out.length; at += jointChannels) {
    const seen = a[at + 3] !== 0 && b[at + 3] !== 0;
    for (let c = 0; c < 3; c++) out[at + c] = seen ? a[at + c]! + part * (b[at + c]! - a[at + c]!) : 0;
    out[at + 3] = seen ? 1 : 0;
  }
};
