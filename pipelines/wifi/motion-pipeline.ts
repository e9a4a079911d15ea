/** Wi-Fi frames to motion.
 *
 *    frames ─▶ inspector ─▶ amplitude ─▶ gain normalised ─▶ motion index
 *
 *  Times are the device's where it sends them: packets that queue on the way are not motion. */

import type { WifiFrame } from '../../drivers/frames.js';
import { amplitude } from './amplitude.js';
import { normaliseGain } from './gain.js';
import { createMotionIndex, type MotionIndex, type MotionState } from './motion.js';
import { createInspector, type Refusal } from './quality.js';

export interface WifiMotion {
  /** The state after the frame; that of a refused frame is the state before. */
  push(frame: WifiFrame): MotionState;
  /** Of the layout in use; undefined before the first good frame. A change of layout starts a new one. */
  readonly motion: MotionIndex | undefined;
  /** Frames refused so far, by the reason. */
  readonly refused: Readonly<Record<Refusal, number>>;
}

export function createWifiMotion(): WifiMotion {
  const inspector = createInspector();
  let layouts = 0;
  let amplitudes = new Float32Array(0);
  let motion: MotionIndex | undefined;

  return {
    push(frame) {
      if (inspector.inspect(frame) === undefined) {
        const layout = inspector.layout!;
        if (motion === undefined || inspector.layouts !== layouts) {
          layouts = inspector.layouts;
          amplitudes = new Float32Array(layout.channels);
          motion = createMotionIndex(layout.receivers * layout.transmitters, layout.kept.length);
        }
        amplitude(frame.csi, layout, amplitudes);
        normaliseGain(amplitudes, layout);
        motion.push(frame.deviceTime ?? frame.arrivalTime, amplitudes);
      }
      return motion?.state ?? 'filling';
    },
    get motion() {
      return motion;
    },
    refused: inspector.refused,
  };
}
