/** Wi-Fi frames for tests. */
import type { WifiFrame } from '../../../drivers/frames.js';
import { subcarrierRange } from '../../../drivers/wifi/ieee80211.js';
import type { createRandom } from '../../../learning/random.js';

/** A frame of one antenna pair, HT 20 MHz with all 64 subcarriers, nothing heard, unless told otherwise. */
export function wifiFrame(parts: Partial<WifiFrame> = {}): WifiFrame {
  const subcarriers = parts.subcarriers ?? subcarrierRange(-32, 31);
  const receivers = parts.receivers ?? 1;
  const transmitters = parts.transmitters ?? 1;
  return {
    kind: 'wifi',
    arrivalTime: 0,
    receivers,
    transmitters,
    subcarriers,
    csi: new Float32Array(2 * receivers * transmitters * subcarriers.length),
    scale: 'raw',
    bandwidth: 20e6,
    ...parts,
  };
}

/**
 * A packet of a room at 2.4 GHz: a direct path, and a reflection whose path is longer by `path` metres.
 * @param noise standard deviation of each part; the direct path's amplitude is 40
 */
export function roomFrame(
  time: number,
  random: ReturnType<typeof createRandom>,
  { path = 12, noise = 1, gain = 1, last = 28 }: { path?: number; noise?: number; gain?: number; last?: number } = {},
): WifiFrame {
  const subcarriers = subcarrierRange(-32, 31);
  const csi = new Float32Array(2 * subcarriers.length);
  subcarriers.forEach((k, i) => {
    if (k === 0 || Math.abs(k) > last) return;
    const angle = (2 * Math.PI * (2.437e9 + k * 312.5e3) * path) / 299792458;
    csi[2 * i] = Math.round(gain * (40 + 8 * Math.cos(angle)) + noise * random.normal());
    csi[2 * i + 1] = Math.round(gain * -8 * Math.sin(angle) + noise * random.normal());
  });
  return wifiFrame({ arrivalTime: time, deviceTime: time, subcarriers, csi });
}
