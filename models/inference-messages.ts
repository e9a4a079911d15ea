/** What the main thread and the inference worker tell each other. Numbers travel in transferred or shared buffers. */
import type { Modality } from '../drivers/frames.js';
import type { PassedOver, Provider } from './providers.js';
import type { Tower } from './store.js';
import type { Classification } from './tower-session.js';

/** A tower and the providers to try it on. */
export interface TowerOrder {
  readonly tower: Tower;
  readonly providers: readonly Provider[];
}

/** The provider that a tower runs on. */
export interface TowerChoice {
  readonly modality: Modality;
  readonly provider: Provider;
  readonly passedOver: readonly PassedOver[];
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
  | ({ readonly kind: 'classified'; readonly id: number } & Classification)
  | { readonly kind: 'refused'; readonly id: number; readonly message: string };
