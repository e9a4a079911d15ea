/** What the gateway and the inference worker tell each other. */
import type { Modality } from '../drivers/frames.js';
import type { Milliseconds, PassedOver, Provider } from './providers.js';
import type { Tower } from './store.js';
import type { Classification } from './tower-session.js';

/** A tower and the providers to open it on, the fastest first. */
export interface TowerOrder {
  readonly tower: Tower;
  readonly providers: readonly Provider[];
  /** Those that do not serve. */
  readonly passedOver: readonly PassedOver[];
  /** Measured for each that serves, where several do. */
  readonly milliseconds?: Milliseconds;
}

/** The provider that a tower runs on. */
export interface TowerChoice {
  readonly modality: Modality;
  readonly provider: Provider;
  readonly passedOver: readonly PassedOver[];
}

/** A provider that ran a tower at first and failed later, on a window that the CPU computes. */
export interface Fault {
  readonly provider: Provider;
  readonly reason: string;
}

export type ToWorker =
  | { readonly kind: 'load'; readonly towers: readonly TowerOrder[]; readonly threads: number }
  | {
      readonly kind: 'classify';
      readonly id: number;
      readonly modality: Modality;
      readonly window: Float32Array;
      readonly count: number;
    }
  /** Release everything and end, once what came before is done. */
  | { readonly kind: 'close' };

export type FromWorker =
  | { readonly kind: 'loaded'; readonly choices: readonly TowerChoice[] }
  | { readonly kind: 'notLoaded'; readonly message: string }
  /** With a fault, the answer is the CPU's. */
  | ({ readonly kind: 'classified'; readonly id: number; readonly fault?: Fault } & Classification)
  | { readonly kind: 'refused'; readonly id: number; readonly message: string };
