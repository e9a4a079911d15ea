/**
 * Inference: windows in, probabilities and embeddings out, computed in a worker thread.
 *
 * A worker thread that is ended while onnxruntime computes in it takes the whole process with it (measured, onnxruntime-node 1.30:
 * `terminate called after throwing an instance of 'Napi::Error'`, SIGABRT; `process.exit` ends workers in the same way). So the
 * worker is never terminated: it is asked to end, and one that hangs is left behind and replaced.
 */
import { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import type { Modality } from '../drivers/frames.js';
import type { FromWorker, ToWorker, TowerChoice, TowerOrder } from './inference-messages.js';
import { ModelError, windowLength } from './manifest.js';
import type { Manifest } from './manifest.js';
import { defaultProviders, parseProviders, probeProvider, reasons } from './providers.js';
import type { PassedOver, ProbeOptions, Provider } from './providers.js';
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
  /** The providers that were tried before it, and why they do not serve. */
  readonly passedOver: readonly PassedOver[];
}

export interface Inferred extends Classification {
  /** Labels of the probabilities: of the tower that computed them. */
  readonly classes: readonly string[];
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
   * @param window [count, samples, channels] as the tower's manifest says. Copied before this returns, unless it lies in shared
   *   memory: that must not be written to until the answer is there.
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
   * Ends the worker once the request that it computes is done; the waiting ones are rejected. Await it before `process.exit`.
   * @param limit seconds to wait for that, default 1.5
   * @returns whether it ended; false: it still computes, and an ordinary end of the process now becomes a crash (SIGABRT)
   */
  close(limit?: number): Promise<boolean>;
}

export interface InferenceOptions {
  readonly towers: readonly LoadedTower[];
  /** Execution providers, the best first; default `cuda, webgpu, cpu`. */
  readonly providers?: readonly string[];
  /** Threads that one operator may use; default 1. */
  readonly threads?: number;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
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

interface Pending {
  readonly modality: Modality;
  readonly window: Float32Array;
  readonly count: number;
  resolve(result: Inferred): void;
  reject(error: Error): void;
  /** Its deadline, first for waiting, then for being computed. */
  readonly timer: NodeJS.Timeout;
}

const longestRestartDelay = 30;
const mostLeftBehind = 3;

/** Tries the providers that might crash in child processes, all at once: for each tower those left to open it on. */
async function probeAll(towers: readonly LoadedTower[], names: readonly Provider[], options?: ProbeOptions) {
  // What comes after the CPU is not reached as a rule, and where it is the CPU has failed too.
  const risky = (names.includes('cpu') ? names.slice(0, names.indexOf('cpu')) : names).filter((name) => name !== 'cpu');
  const replies = await Promise.all(risky.map((provider) => probeProvider(provider, towers, options)));
  return towers.map((tower, index): TowerOrder & { passedOver: PassedOver[] } => {
    const passedOver = risky.flatMap((provider, i) => {
      const reason = replies[i]![index];
      return reason === undefined ? [] : [{ provider, reason }];
    });
    const providers = names.filter((name) => passedOver.every(({ provider }) => provider !== name));
    return { tower: { manifest: tower.manifest, encoder: tower.encoder, head: tower.head }, providers, passedOver };
  });
}

/**
 * Opens the towers in a worker, each on the first provider that really runs it.
 * @throws ModelError: an unknown provider, two towers of one modality, or a tower that no provider runs, with the reasons
 */
export async function startInference({
  towers,
  providers = defaultProviders,
  threads = 1,
  log,
  waitingLimit = 8,
  deadline = 5,
  loadDeadline = 60,
  restartDelay = 0.25,
  probe,
  script = new URL('./inference-worker.js', import.meta.url),
}: InferenceOptions): Promise<Inference> {
  if (new Set(towers.map(({ manifest }) => manifest.modality)).size !== towers.length)
    throw new ModelError('two towers are of the same modality; name one of each');
  const ordersFor = async (some: readonly LoadedTower[]) => {
    const made = await probeAll(some, parseProviders(providers), probe);
    for (const { tower, providers: left, passedOver } of made)
      if (left.length === 0)
        throw new ModelError(`${tower.manifest.name} does not run: ${reasons(passedOver)}; add cpu`);
    return made;
  };
  type Orders = Awaited<ReturnType<typeof ordersFor>>;
  let orders = await ordersFor(towers);

  const counters: InferenceCounters = { classified: 0, superseded: 0, failed: 0, restarts: 0 };
  const running = new Map<Modality, RunningTower>();
  const waiting: Pending[] = [];
  const leftBehind = new Set<Worker>();
  let worker: Worker | undefined;
  let inFlight: Pending | undefined;
  let lastId = 0;
  let delay = restartDelay;
  let restart: NodeJS.Timeout | undefined;
  let starting: Promise<void> | undefined;
  let closed = false;
  /** A worker with other towers that is to be used after the request in flight. */
  let exchange: (() => void) | undefined;
  let installing: Promise<unknown> = Promise.resolve();

  const tell = (to: Worker, message: ToWorker, transfer: ArrayBuffer[] = []) => to.postMessage(message, transfer);

  function fail(pending: Pending, error: Error): void {
    clearTimeout(pending.timer);
    if (error instanceof Superseded) counters.superseded++;
    else counters.failed++;
    pending.reject(error);
  }
  function failAll(message: string): void {
    const all = [...(inFlight ? [inFlight] : []), ...waiting.splice(0)];
    inFlight = undefined;
    for (const pending of all) fail(pending, new ModelError(message));
  }

  /** Gives the worker the oldest waiting request if it has none. */
  function next(): void {
    if (!inFlight) exchange?.();
    if (!worker || inFlight || waiting.length === 0) return;
    inFlight = waiting.shift()!;
    inFlight.timer.refresh();
    const { modality, window, count } = inFlight;
    const transfer = window.buffer instanceof ArrayBuffer ? [window.buffer] : [];
    tell(worker, { kind: 'classify', id: ++lastId, modality, window, count }, transfer);
  }

  function onAnswer(message: FromWorker): void {
    if (message.kind === 'loaded' || message.kind === 'notLoaded') return;
    if (!inFlight || message.id !== lastId) return;
    const pending = inFlight;
    inFlight = undefined;
    delay = restartDelay;
    if (message.kind === 'refused') {
      fail(pending, new ModelError(`the ${pending.modality} tower did not run: ${message.message}`));
    } else {
      clearTimeout(pending.timer);
      counters.classified++;
      const { classes } = running.get(pending.modality)!.manifest;
      pending.resolve({ probabilities: message.probabilities, embedding: message.embedding, classes });
    }
    next();
  }

  /** Asks a worker that does not answer to end when it can, and forgets it. */
  function leaveBehind(stuck: Worker): void {
    leftBehind.add(stuck);
    stuck.unref();
    tell(stuck, { kind: 'close' });
  }

  function onExit(ended: Worker, reason: string): void {
    if (ended === worker) lost(reason);
    else if (leftBehind.delete(ended) && !worker && !restart && !starting) scheduleRestart();
  }

  /** A new worker with all towers open; it is not in use yet. */
  async function open(wanted: Orders): Promise<{ opened: Worker; choices: readonly TowerChoice[] }> {
    // Without the process's own flags: a debugger or loader named there is not meant for it.
    const opened = new Worker(script, { execArgv: [] });
    let reason: string | undefined;
    // (Not `removeAllListeners` later: it takes from a Worker what it needs itself, and no message arrives any more.)
    opened.on('error', (error: Error) => (reason = error.message));
    opened.on('exit', (code) => {
      onExit(opened, reason ?? `exit code ${code}`);
    });
    opened.on('message', (message: FromWorker) => {
      if (opened === worker) onAnswer(message);
    });
    let timer: NodeJS.Timeout | undefined;
    try {
      const choices = await new Promise<readonly TowerChoice[]>((resolve, reject) => {
        timer = setTimeout(() => {
          leaveBehind(opened);
          reject(new ModelError(`opening the models did not end within ${loadDeadline} s`));
        }, loadDeadline * 1000);
        opened.once('exit', (code) => {
          reject(new ModelError(`the inference worker ended (${reason ?? `exit code ${code}`})`));
        });
        opened.once('message', (message: FromWorker) => {
          if (message.kind === 'loaded') {
            resolve(message.choices);
            return;
          }
          tell(opened, { kind: 'close' });
          reject(new ModelError(message.kind === 'notLoaded' ? message.message : 'unexpected answer'));
        });
        tell(opened, { kind: 'load', towers: wanted, threads });
      });
      return { opened, choices };
    } finally {
      clearTimeout(timer);
    }
  }

  function use(opened: Worker, choices: readonly TowerChoice[]): void {
    worker = opened;
    for (const { modality, provider, passedOver } of choices) {
      const before = orders.find(({ tower }) => tower.manifest.modality === modality)!;
      const { manifest } = before.tower;
      const all = [...before.passedOver, ...passedOver];
      for (const { provider: tried, reason: why } of all)
        log.info({ tower: manifest.name, provider: tried, reason: why }, `${manifest.name} does not run on ${tried}`);
      log.info({ tower: manifest.name, provider }, `${manifest.name} runs on ${provider}`);
      running.set(modality, { manifest, provider, passedOver: all });
    }
  }

  /** The worker in use is gone. */
  function lost(reason: string): void {
    worker = undefined;
    if (closed) {
      failAll('inference is closed');
      return;
    }
    failAll(`the inference worker failed (${reason}); it is started again`);
    counters.restarts++;
    log.error({ reason }, `the inference worker failed; it is started again`);
    scheduleRestart();
  }

  function scheduleRestart(): void {
    if (closed) return;
    if (leftBehind.size >= mostLeftBehind) {
      const advice = `${leftBehind.size} inference workers hang in onnxruntime: restart the gateway; with a GPU, try the provider cpu`;
      log.error(advice);
      failAll(advice);
      return;
    }
    restart = setTimeout(() => {
      restart = undefined;
      starting = startAgain().finally(() => (starting = undefined));
    }, delay * 1000);
    delay = Math.min(2 * delay, longestRestartDelay);
  }

  async function startAgain(): Promise<void> {
    try {
      const { opened, choices } = await open(orders);
      use(opened, choices);
      if (closed) tell(opened, { kind: 'close' });
      else next();
    } catch (error) {
      if (closed) return;
      const { message } = error as Error;
      log.error({ reason: message, retryIn: delay }, 'the inference worker did not start');
      failAll(`the inference worker did not start again (${message})`);
      scheduleRestart();
    }
  }

  function onDeadline(pending: Pending): void {
    if (pending !== inFlight) {
      waiting.splice(waiting.indexOf(pending), 1);
      fail(pending, new ModelError(`no answer of the ${pending.modality} tower: it waited ${deadline} s`));
      return;
    }
    leaveBehind(worker!);
    lost(`no answer of the ${pending.modality} tower within ${deadline} s`);
  }

  /** What is wrong with a request. */
  function mistake(modality: Modality, window: Float32Array, count: number): string | undefined {
    if (closed) return 'inference is closed';
    const manifest = running.get(modality)?.manifest;
    if (!manifest) return `no tower for ${modality}; towers: ${[...running.keys()].join(', ') || 'none'}`;
    const { samples, channels } = manifest.window;
    const needed = count * windowLength(manifest);
    if (!Number.isInteger(count) || count < 1 || window.length !== needed) {
      const shape = `[${count}, ${samples}, ${channels.length}]`;
      return `${manifest.name} needs windows ${shape}, ${needed} numbers; it got ${window.length}`;
    }
    const wrong = window.findIndex((value) => !Number.isFinite(value));
    if (wrong < 0) return undefined;
    const channel = channels[wrong % channels.length]!;
    return `${manifest.name} got a window whose value ${wrong} (${channel}) is ${window[wrong]!}`;
  }

  function classify(modality: Modality, window: Float32Array, count = 1): Promise<Inferred> {
    return new Promise((resolve, reject) => {
      const wrong = mistake(modality, window, count);
      if (wrong !== undefined) {
        counters.failed++;
        reject(new ModelError(wrong));
        return;
      }
      const sameTower = waiting.filter((each) => each.modality === modality);
      if (sameTower.length >= waitingLimit) {
        waiting.splice(waiting.indexOf(sameTower[0]!), 1);
        const message = `the ${modality} tower is slower than its windows come: ${waitingLimit} newer ones wait`;
        fail(sameTower[0]!, new Superseded(message));
      }
      const kept = window.buffer instanceof ArrayBuffer ? window.slice() : window;
      const timer = setTimeout(() => onDeadline(pending), deadline * 1000);
      const pending: Pending = { modality, window: kept, count, resolve, reject, timer };
      waiting.push(pending);
      next();
    });
  }

  /** One at a time: each exchange begins with the towers that the one before left. */
  function install(tower: LoadedTower): Promise<void> {
    const done = installing.then(async () => {
      const { modality } = tower.manifest;
      const others = orders.filter((order) => order.tower.manifest.modality !== modality);
      const wanted = [...others, ...(await ordersFor([tower]))];
      const { opened, choices } = await open(wanted);
      await starting;
      if (closed) {
        tell(opened, { kind: 'close' });
        throw new ModelError('inference is closed');
      }
      await new Promise<void>((resolve) => {
        exchange = () => {
          exchange = undefined;
          const before = worker;
          orders = wanted;
          clearTimeout(restart);
          restart = undefined;
          use(opened, choices);
          if (before) tell(before, { kind: 'close' });
          resolve();
        };
        next();
      });
    });
    installing = done.catch(() => undefined);
    return done;
  }

  async function close(limit = 1.5): Promise<boolean> {
    closed = true;
    clearTimeout(restart);
    for (const pending of waiting.splice(0)) fail(pending, new ModelError('inference is closed'));
    const ended = (async () => {
      if (worker) tell(worker, { kind: 'close' });
      await starting;
      if (worker) await new Promise((resolve) => worker!.once('exit', resolve));
    })();
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise((resolve) => (timer = setTimeout(resolve, limit * 1000)));
    await Promise.race([ended, tooLong]);
    clearTimeout(timer);
    if (worker) leaveBehind(worker);
    worker = undefined;
    failAll('inference is closed');
    return leftBehind.size === 0 && !starting;
  }

  try {
    const { opened, choices } = await open(orders);
    use(opened, choices);
  } catch (error) {
    closed = true;
    throw error;
  }
  return { classify, install, towers: running, counters, close };
}
