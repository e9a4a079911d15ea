/** What whoever uses inference sees of it. */
import type { Logger } from 'pino';
import type { Modality } from '../drivers/frames.js';
import type { Manifest } from './manifest.js';
import type { ProbeOptions } from './provider-choice.js';
import { reasons } from './providers.js';
import type { Milliseconds, PassedOver, Provider } from './providers.js';
import type { LoadedTower } from './store.js';
import type { Classification } from './tower-session.js';

/** The request waited too long: newer ones of its tower came and took its place. */
export class Superseded extends Error {
  override name = 'Superseded';
}

export interface RunningTower {
  readonly manifest: Manifest;
  /** Where it runs. */
  readonly provider: Provider;
  /** The providers that do not serve, and why. */
  readonly passedOver: readonly PassedOver[];
  /** Median time of one window on each provider that serves, measured where several do; it decided. */
  readonly milliseconds?: Milliseconds;
}

export interface Inferred extends Classification {
  /** Labels of the probabilities: of the tower that computed them. */
  readonly classes: readonly string[];
  /** Of that tower, where its manifest has it. */
  readonly loss?: number | undefined;
}

export interface InferenceCounters {
  /** Requests answered. */
  classified: number;
  /** Requests that newer ones pushed out of the queue. */
  superseded: number;
  /** Requests rejected for another reason. */
  failed: number;
  /** Workers that ended by themselves or hung and were replaced. */
  restarts: number;
}

export interface Inference {
  /**
   * @param window [count, samples, channels] as the tower's manifest says. Copied before this returns.
   * @returns probabilities [count, classes] and embedding [count, width]
   * Rejects with `Superseded` if newer requests push it out of the queue, with `ModelError` if the window does not fit the tower
   * or holds a value that is no finite number, if the worker fails or hangs, or after `close`.
   */
  classify(modality: Modality, window: Float32Array, count?: number): Promise<Inferred>;
  /**
   * Takes a tower in the place of the one of its modality, or beside the others. It is opened and run once in a worker of its own while
   * the old one works; the exchange is between two windows. If it does not run, all stays as it is.
   * @throws ModelError with the reason
   */
  install(tower: LoadedTower): Promise<void>;
  readonly towers: ReadonlyMap<Modality, RunningTower>;
  readonly counters: Readonly<InferenceCounters>;
  /**
   * Ends the worker once the request that it computes is done; the waiting ones are rejected.
   * @param limit seconds that this may take, default 1.5; then the worker is killed
   */
  close(limit?: number): Promise<void>;
}

export interface InferenceOptions {
  readonly towers: readonly LoadedTower[];
  /** Execution providers that may be used; where several serve a tower, it runs on the fastest. Default `cuda, webgpu, cpu`. */
  readonly providers?: readonly string[];
  /** Threads that one operator may use; default 1. */
  readonly threads?: number;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** A tower runs on another provider than before, though nobody asked for it. */
  readonly onChange?: () => void;
  /** Requests of one tower that may wait; default 8. */
  readonly waitingLimit?: number;
  /** Seconds that a request may wait, and may then be computed; default 5. */
  readonly deadline?: number;
  /** Seconds that opening all sessions may take; default 60. */
  readonly loadDeadline?: number;
  /** Seconds before a worker that ended is started again, doubled at each failure up to 30; default 0.25. */
  readonly restartDelay?: number;
  readonly probe?: ProbeOptions;
  /** The worker's code; another one in tests. */
  readonly script?: URL;
}

/** `imu-limu-bert runs on cpu (cpu 1.8 ms, webgpu 3.1 ms a window; not on cuda: …)` */
export function described({ manifest, provider, milliseconds = {}, passedOver }: RunningTower): string {
  const times = Object.entries(milliseconds).map(([name, time]) => `${name} ${time} ms`);
  const notes = [
    ...(times.length > 0 ? [`${times.join(', ')} a window`] : []),
    ...(passedOver.length > 0 ? [`not on ${reasons(passedOver)}`] : []),
  ];
  return `${manifest.name} runs on ${provider}${notes.length > 0 ? ` (${notes.join('; ')})` : ''}`;
}
