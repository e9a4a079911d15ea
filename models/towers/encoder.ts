import type { Modality } from '../../drivers/frames.js';
import type { Value } from '../graph.js';
import { linear } from '../layers.js';
import type { BatchStatistics, Network } from '../layers.js';
import { sizeOf } from '../operators.js';
import type { Shape } from '../operators.js';

/** The windows that an encoder reads: [samples, …instant]. */
export interface EncoderWindow {
  /** Samples a second. */
  readonly rate: number;
  readonly samples: number;
  /** Samples from one window's start to the next one's. */
  readonly hop: number;
  /** Shape of one sample. */
  readonly instant: Shape;
  /** Name and unit of what lies along the last axis, or of what every element is. */
  readonly channels: readonly string[];
}

/** What training, alignment and export need to know of an encoder. */
export interface Encoder {
  /** Of the tower, for instance `skeleton-st-gcn`. */
  readonly name: string;
  readonly title: string;
  readonly modality: Modality;
  readonly window: EncoderWindow;
  /** Of the embedding. */
  readonly width: number;
  /**
   * @param window [batch, samples, …instant], as pipelines give it
   * @param statistics collects the batch's statistics while training; absent: the averages that training kept
   * @returns embedding [batch, width]
   */
  embed(network: Network, window: Value, statistics?: BatchStatistics[]): Value;
}

/** Shape of a window without its batch axis. */
export const windowShape = ({ window }: Pick<Encoder, 'window'>): Shape => [window.samples, ...window.instant];

/** Numbers of one window. */
export const windowSize = (encoder: Pick<Encoder, 'window'>): number => sizeOf(windowShape(encoder));

/** Activity head: embedding [batch, width] → logits [batch, classes]. */
export function activityHead(network: Network, embedding: Value, classes: number): Value {
  return linear(network, 'head', embedding, classes);
}
