/**
 * Inference: windows in, probabilities and embeddings out, computed in a worker process (inference-host.ts). A GPU that fails while
 * it runs is not used again; the CPU goes on.
 */
import type { Modality } from '../drivers/frames.js';
import type { Host } from './inference-host.js';
import type { Fault, FromWorker, TowerOrder } from './inference-messages.js';
import { openWorker, WorkerFailed } from './inference-open.js';
import type { OpenWorker } from './inference-open.js';
import { described, Superseded } from './inference-types.js';
import type { Inference, InferenceCounters, InferenceOptions, Inferred, RunningTower } from './inference-types.js';
import { ModelError, windowLength } from './manifest.js';
import { chooseProviders, gpusOf, without } from './provider-choice.js';
import { defaultProviders, parseProviders } from './providers.js';
import type { Provider } from './providers.js';
import type { LoadedTower } from './store.js';

export { Superseded } from './inference-types.js';
export type { Inference, InferenceCounters, InferenceOptions, Inferred, RunningTower } from './inference-types.js';

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

/**
 * Opens the towers in a worker, each on the fastest provider that really runs it.
 * @throws ModelError: an unknown provider, two towers of one modality, or a tower that no provider runs, with the reasons
 */
export async function startInference({
  towers,
  providers = defaultProviders,
  threads = 1,
  log,
  onChange,
  waitingLimit = 8,
  deadline = 5,
  loadDeadline = 60,
  restartDelay = 0.25,
  probe,
  script = new URL('./inference-worker.js', import.meta.url),
}: InferenceOptions): Promise<Inference> {
  if (new Set(towers.map(({ manifest }) => manifest.modality)).size !== towers.length)
    throw new ModelError('two towers are of the same modality; name one of each');
  const allowed = parseProviders(providers);
  /** Providers that failed while running, with the reason. */
  const failed = new Map<Provider, string>();
  const ordersFor = async (some: readonly LoadedTower[]) =>
    without(await chooseProviders(some, allowed, threads, probe), failed);
  let orders: readonly TowerOrder[] = await ordersFor(towers);

  const counters: InferenceCounters = { classified: 0, superseded: 0, failed: 0, restarts: 0 };
  const running = new Map<Modality, RunningTower>();
  const waiting: Pending[] = [];
  let worker: Host | undefined;
  let inFlight: Pending | undefined;
  let lastId = 0;
  let delay = restartDelay;
  let restart: NodeJS.Timeout | undefined;
  let starting: Promise<void> | undefined;
  let closed = false;
  /** A worker with other towers that is to be used after the request in flight. */
  let exchange: (() => void) | undefined;
  let installing: Promise<unknown> = Promise.resolve();
  let recovering: Promise<unknown> | undefined;

  function fail(pending: Pending, error: Error): void {
    clearTimeout(pending.timer);
    if (error instanceof Superseded) counters.superseded++;
    else counters.failed++;
    pending.reject(error);
  }
  function failInFlight(message: string): void {
    if (inFlight) fail(inFlight, new ModelError(message));
    inFlight = undefined;
  }
  function failAll(message: string): void {
    failInFlight(message);
    for (const pending of waiting.splice(0)) fail(pending, new ModelError(message));
  }

  /** Gives the worker the oldest waiting request if it has none. */
  function next(): void {
    if (!inFlight) exchange?.();
    if (!worker || inFlight || waiting.length === 0) return;
    inFlight = waiting.shift()!;
    inFlight.timer.refresh();
    const { modality, window, count } = inFlight;
    worker.post({ kind: 'classify', id: ++lastId, modality, window, count });
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
      const { classes, loss } = running.get(pending.modality)!.manifest;
      // Copies: those of a message lie in what was read from the pipe, which they would keep in memory as a whole.
      pending.resolve({
        probabilities: message.probabilities.slice(),
        embedding: message.embedding.slice(),
        classes,
        loss,
      });
      if (message.fault) onFault(message.fault);
    }
    next();
  }

  /** No tower runs on this provider from the next worker on. */
  function drop(provider: Provider, reason: string): void {
    if (failed.has(provider)) return;
    failed.set(provider, `it failed while running: ${reason}`);
    orders = without(orders, failed);
    log.warn(
      { provider, reason },
      `${provider} failed while running; towers that another provider serves go on with that`,
    );
  }

  /** The worker goes on with the CPU until another one takes over, which does not open the provider. */
  function onFault({ provider, reason }: Fault): void {
    drop(provider, reason);
    recovering ??= exchangeFor(() => Promise.resolve(orders))
      .catch((error: unknown) => {
        if (!closed) log.error({ reason: (error as Error).message }, 'no other inference worker could be opened');
      })
      .finally(() => (recovering = undefined));
  }

  const open = (wanted: readonly TowerOrder[]) =>
    openWorker(script, wanted, threads, loadDeadline, {
      onMessage: (host, message) => host === worker && onAnswer(message),
      onExit: (host, reason) => host === worker && lost(reason),
    });

  /** As `open`; where a GPU keeps it from opening, without that. */
  async function openAnyhow(wanted: readonly TowerOrder[]): Promise<OpenWorker> {
    try {
      return await open(wanted);
    } catch (error) {
      const gpus = gpusOf(wanted);
      if (!(error instanceof WorkerFailed) || gpus.size === 0 || closed) throw error;
      for (const gpu of gpus) drop(gpu, error.message);
      return open(without(wanted, failed));
    }
  }

  function use({ host, orders: used, choices }: OpenWorker): void {
    worker = host;
    orders = used;
    let changed = false;
    for (const { modality, provider, passedOver } of choices) {
      const order = orders.find(({ tower }) => tower.manifest.modality === modality)!;
      const { manifest } = order.tower;
      const { milliseconds } = order;
      const tower: RunningTower = {
        ...{ manifest, provider, passedOver: [...order.passedOver, ...passedOver] },
        ...(milliseconds && { milliseconds }),
      };
      const before = running.get(modality);
      running.set(modality, tower);
      if (before?.manifest === manifest && before.provider === provider) continue;
      changed ||= before !== undefined;
      const { passedOver: all } = tower;
      log.info({ tower: manifest.name, provider, milliseconds, passedOver: all }, described(tower));
    }
    if (changed) onChange?.();
  }

  /** The worker in use is gone. */
  function lost(reason: string): void {
    worker = undefined;
    if (closed) {
      failAll('inference is closed');
      return;
    }
    failInFlight(`the inference worker failed (${reason}); it is started again`);
    for (const { timer } of waiting) timer.refresh();
    counters.restarts++;
    log.error({ reason }, `the inference worker failed; it is started again`);
    for (const { provider } of running.values()) if (provider !== 'cpu') drop(provider, reason);
    scheduleRestart();
  }

  function scheduleRestart(): void {
    if (closed) return;
    restart = setTimeout(() => {
      restart = undefined;
      starting = startAgain().finally(() => (starting = undefined));
    }, delay * 1000);
    delay = Math.min(2 * delay, longestRestartDelay);
  }

  async function startAgain(): Promise<void> {
    try {
      const opened = await openAnyhow(orders);
      use(opened);
      if (closed) opened.host.post({ kind: 'close' });
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
    worker!.kill();
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
      const timer = setTimeout(() => onDeadline(pending), deadline * 1000);
      const pending: Pending = { modality, window: window.slice(), count, resolve, reject, timer };
      waiting.push(pending);
      next();
    });
  }

  function install(tower: LoadedTower): Promise<void> {
    return exchangeFor(async () => {
      const { modality } = tower.manifest;
      const made = await ordersFor([tower]);
      return [...orders.filter((order) => order.tower.manifest.modality !== modality), ...made];
    });
  }

  /** One at a time: each exchange begins with the towers that the one before left. */
  function exchangeFor(wanted: () => Promise<readonly TowerOrder[]>): Promise<void> {
    const done = installing.then(async () => {
      const opened = await openAnyhow(await wanted());
      await starting;
      if (closed) {
        opened.host.post({ kind: 'close' });
        throw new ModelError('inference is closed');
      }
      await new Promise<void>((resolve) => {
        exchange = () => {
          exchange = undefined;
          const before = worker;
          clearTimeout(restart);
          restart = undefined;
          use(opened);
          before?.post({ kind: 'close' });
          resolve();
        };
        next();
      });
    });
    installing = done.catch(() => undefined);
    return done;
  }

  async function close(limit = 1.5): Promise<void> {
    closed = true;
    clearTimeout(restart);
    for (const pending of waiting.splice(0)) fail(pending, new ModelError('inference is closed'));
    const ended = (async () => {
      worker?.post({ kind: 'close' });
      await starting;
      await worker?.ended;
    })();
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise((resolve) => (timer = setTimeout(resolve, limit * 1000)));
    await Promise.race([ended, tooLong]);
    clearTimeout(timer);
    worker?.kill();
    worker = undefined;
    failAll('inference is closed');
  }

  try {
    use(await openAnyhow(orders));
  } catch (error) {
    closed = true;
    throw error;
  }
  return { classify, install, towers: running, counters, close };
}
