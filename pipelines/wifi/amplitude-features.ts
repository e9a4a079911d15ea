/** Channel state of one packet as the amplitudes that a tower reads, of the same shape whatever the chip.
 *
 *  frames ─▶ inspector ─▶ amplitude ─▶ gain normalised ─▶ Hampel ─▶ cells of the band ─▶ [links, subcarriers]
 *
 *  A link is a pair of a receive and a transmit antenna: first those of the first transmitter, by receiver, then the second
 *  one's. Of fewer links than rows they are given again from the first: an antenna that is not there is not silence, and a tower
 *  of three links reads a chip of one. Amplitudes are relative to the receiver's root mean square over its links and
 *  subcarriers, hence of the order of 1.
 *
 *  The Hampel filter judges a packet by those before it, so that the numbers are those of the packet itself; a real step is
 *  let through three packets later. */

import type { WifiFrame } from '../../drivers/frames.js';
import type { Fault, FrameFeatures } from '../features.js';
import { amplitude } from './amplitude.js';
import { normaliseGain } from './gain.js';
import { createHampel, type Hampel } from './hampel.js';
import type { Layout } from './layout.js';
import { createInspector, type Refusal } from './quality.js';
import { averageCells, subcarrierCells, type SubcarrierCells } from './subcarrier-cells.js';

export interface WifiFeatureOptions {
  /** Rows. Default: 3. */
  readonly links?: number;
  /** Places of the band. Default: 30. */
  readonly subcarriers?: number;
}

const hampelHalfWidth = 3;
const hampelSigmas = 3;

/** `otherLayout`: another transmitter's packet, or a device that was set otherwise; the eighth on end is the new setting. */
const faultOf: Readonly<Record<Refusal, Fault>> = {
  absent: 'absent',
  notANumber: 'notANumber',
  clipped: 'clipped',
  constant: 'constant',
  otherLayout: 'settingsChanged',
};

/** What depends on the layout. */
interface Chain {
  readonly amplitudes: Float32Array;
  readonly filtered: Float32Array;
  readonly hampel: Hampel;
  readonly cells: SubcarrierCells;
  /** [links] where each one's amplitudes begin */
  readonly rows: Int32Array;
}

function createChain(
  { receivers, transmitters, channels, kept, numbers }: Layout,
  links: number,
  cells: number,
): Chain {
  const pairs = receivers * transmitters;
  return {
    amplitudes: new Float32Array(channels),
    filtered: new Float32Array(channels),
    hampel: createHampel(channels, hampelHalfWidth, hampelSigmas, 0),
    cells: subcarrierCells(numbers, cells),
    rows: Int32Array.from({ length: links }, (_, link) => {
      const pair = link % pairs;
      return ((pair % receivers) * transmitters + Math.floor(pair / receivers)) * kept.length;
    }),
  };
}

/**
 * Faults: those of `createInspector`; a layout other than the one in use is `settingsChanged`.
 * @throws RangeError for no links or no subcarriers
 */
export function createWifiFeatures(options: WifiFeatureOptions = {}): FrameFeatures<WifiFrame> {
  const { links = 3, subcarriers = 30 } = options;
  if (!(links > 0 && subcarriers > 0)) throw new RangeError(`${links} links of ${subcarriers} subcarriers`);
  const inspector = createInspector();
  let layouts = 0;
  let chain: Chain | undefined;

  return {
    shape: [links, subcarriers],
    take(frame, out) {
      const refusal = inspector.inspect(frame);
      if (refusal !== undefined) return faultOf[refusal];
      const layout = inspector.layout!;
      if (chain === undefined || inspector.layouts !== layouts) {
        layouts = inspector.layouts;
        chain = createChain(layout, links, subcarriers);
      }
      const { amplitudes, filtered, hampel, cells, rows } = chain;
      amplitude(frame.csi, layout, amplitudes);
      normaliseGain(amplitudes, layout);
      hampel.push(amplitudes, filtered);
      for (let link = 0; link < links; link++) averageCells(cells, filtered, rows[link]!, out, link * subcarriers);
      return undefined;
    },
    reset() {
      chain?.hampel.reset();
    },
  };
}
