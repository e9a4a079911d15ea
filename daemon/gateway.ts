/**
 * The composition root. It reads as the pipe runs: models, broker, publisher, places, sensors.
 *
 *    device ─bytes─▶ sensor ─frames─▶ the place's pipe (pipelines, windows, inference) ─activity─▶ publisher ─▶ MQTT
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { monotonicSeconds } from '../drivers/transports/transport.js';
import { startInference } from '../models/inference.js';
import type { Inference } from '../models/inference.js';
import { windowLength } from '../models/manifest.js';
import { hasShippedTower, loadTower, shippedTowerDirectory } from '../models/store.js';
import { startBroker } from './broker.js';
import type { Config } from './config.js';
import type { Stages } from './feeds.js';
import { packageVersion } from './package-root.js';
import { oneByOne } from './one-by-one.js';
import { createPublisher } from './publisher.js';
import type { Publisher } from './publisher.js';
import { createReload } from './reload.js';
import { clearUnfinished, createInstaller } from './model-install.js';
import { createLiveTeaching } from './live-teaching.js';
import { answerModelRequest } from './model-requests.js';
import type { PlainModelRequest } from './model-requests.js';
import { answer } from './requests.js';
import { createRunningPlace } from './running-place.js';
import type { RunningPlace } from './running-place.js';
import { createServiceNotifier } from './service.js';
import type { ServiceNotifier } from './service.js';
import type { Terminal } from './terminal.js';
import { isoTime } from './time.js';
import { towerDirectories } from './towers.js';

export interface GatewayOptions {
  readonly log: Logger;
  /** Shows labels to a person; absent where nobody looks. */
  readonly terminal?: Terminal | undefined;
  /** Opens each sensor once: for recordings that are played to their end. */
  readonly once?: boolean;
}

export interface Gateway {
  /** Address of the broker in use. */
  readonly url: string;
  /** Resolves when no sensor is opened any more and every window has its label: with `once`, after the last recording. */
  readonly ended: Promise<void>;
  /**
   * Goes over to another configuration: only what is another is touched. What cannot be changed while it runs is logged.
   * @throws Error with one line if a tower or a source cannot be opened; what was changed before stays so
   */
  reload(config: Config): Promise<void>;
  /** Ends within 2 s, whatever hangs. */
  stop(reason: string): Promise<void>;
}

/** Seconds without a label after which a probe goes through the pipe, so that the watchdog tells a quiet home from a hung gateway. */
const probeAfter = 5;
/** Seconds that a replay waits for the broker. */
const longestDelivery = 5;

/** What every part of a running gateway shares. */
export interface Shared {
  readonly log: Logger;
  readonly terminal: Terminal | undefined;
  readonly once: boolean;
  readonly inference: Inference;
  readonly publisher: Publisher;
  readonly notifier: ServiceNotifier;
  /** Resolves when the broker has what was published. A replay waits for it, else the publisher would leave out labels that newer ones replace. */
  readonly delivered: () => Promise<void>;
  /** Of feeds that play together. */
  readonly stages: Stages;
  /** Publishes which models run, and on what. */
  readonly tellModels: () => void;
  /** When a label, or a probe in its stead, last came out of the pipe. */
  lastLabel: number;
}

/**
 * Starts everything that a configuration names. A sensor that is absent does not stop it; a model or broker port that is does.
 * @throws Error with one line that says what failed and what to do
 */
export async function startGateway(config: Config, { log, terminal, once = false }: GatewayOptions): Promise<Gateway> {
  const notifier = createServiceNotifier({ log });
  const closers: (() => Promise<unknown>)[] = [];
  const stop = stopper(closers, notifier, log);

  try {
    let tellModels = (): void => undefined;
    const inference = await startModels(config, log, () => tellModels());
    closers.push(() => inference.close());

    let url = config.mqtt.broker;
    if (url === 'embedded') {
      const broker = await startBroker({ host: config.mqtt.host, port: config.mqtt.port, log });
      closers.push(() => broker.close());
      url = broker.url;
    }
    const places = new Map<string, RunningPlace>();
    // Two at once would write the same list of what was chosen.
    const answerModel = oneByOne((request: PlainModelRequest) =>
      answerModelRequest(request, { config, inference, onChange: () => tellModels() }),
    );
    await clearUnfinished(config.dataDirectory);
    const { install } = createInstaller({ dataDirectory: config.dataDirectory, inference });
    const teach = createLiveTeaching({ config, inference, model: (request) => answerModel(request) });
    const publisher = await createPublisher({
      gateway: config.gateway,
      url,
      username: config.mqtt.username,
      password: config.mqtt.password,
      outboxDirectory: join(config.dataDirectory, 'outbox'),
      onRequest: (kind, payload) =>
        answer(kind, payload, { places, model: (request) => answerModel(request), install, teach }),
      log,
    });
    closers.push(() => publisher.close());
    const started = { version: packageVersion(), since: isoTime(monotonicSeconds()), bootId: randomUUID() };
    tellModels = () => publisher.publishStatus({ ...started, models: modelsOf(inference) });
    tellModels();

    const delivered = deliveryOf(publisher);
    const stages: Stages = new Map();
    const shared: Shared = {
      ...{ log, terminal, once, inference, publisher, notifier, delivered, stages, tellModels },
      lastLabel: -Infinity,
    };
    await probe(shared);
    if (once) await delivered();
    // Whatever fails, those that were started before it are stopped, all at once.
    closers.push(() => Promise.all([...places.values()].map((place) => place.stop())));
    for (const [name, settings] of Object.entries(config.places)) {
      const place = createRunningPlace(shared, name, settings);
      places.set(name, place);
      await place.start(Object.entries(settings.sensors));
    }
    const reload = createReload(shared, config, places);
    closers.push(watch(shared));
    notifier.ready(`labels on ${url}`);
    log.info({ url, gateway: config.gateway }, `labels are published on ${url} below babel/${config.gateway}/`);
    const ended = Promise.all([...places.values()].map((place) => place.ended())).then(() => undefined);
    return { url, stop, reload, ended };
  } catch (error) {
    await stop('it could not start');
    throw error;
  }
}

/** Closes what was started, the newest first, so that nothing sends into what is closed. */
function stopper(closers: (() => Promise<unknown>)[], notifier: ServiceNotifier, log: Logger) {
  let stopped: Promise<void> | undefined;
  const close = async (reason: string) => {
    log.info(`stopping: ${reason}`);
    notifier.stopping();
    for (const closer of closers.reverse())
      await closer().catch((error: unknown) => log.warn({ err: error }, 'while stopping'));
  };
  return (reason: string) => (stopped ??= Promise.race([close(reason), wait(1.8)]));
}

function wait(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000).unref());
}

const modelsOf = ({ towers }: Inference) =>
  Object.fromEntries(
    [...towers].map(([modality, { manifest, provider, passedOver, milliseconds }]) => {
      const measured = milliseconds && { milliseconds: { ...milliseconds } };
      return [modality, { name: manifest.name, provider, passedOver: [...passedOver], ...measured }];
    }),
  );

async function startModels(config: Config, log: Logger, onChange: () => void): Promise<Inference> {
  const { providers, threads } = config.models;
  const towers = await Promise.all(
    [...towerDirectories(config)].map(async ([modality, directory]) => {
      try {
        return await loadTower(directory);
      } catch (error) {
        // One that was activated and is damaged since must not keep a home's gateway from starting.
        if (config.models.towers[modality] !== undefined || !hasShippedTower(modality)) throw error;
        const shipped = shippedTowerDirectory(modality);
        if (directory === shipped) throw error;
        log.error(`${(error as Error).message}; the tower that comes with the gateway is used instead`);
        return loadTower(shipped);
      }
    }),
  );
  return startInference({ towers, providers, threads, log, onChange });
}

/** A broker that is not there is waited for once, one that is slow each time. */
function deliveryOf(publisher: Publisher): () => Promise<void> {
  let inVain = false;
  return async () => {
    const end = monotonicSeconds() + longestDelivery;
    for (;;) {
      const { connected, waiting } = publisher.statistics();
      if (connected ? waiting === 0 : inVain) return;
      if (monotonicSeconds() > end) {
        inVain = true;
        return;
      }
      await wait(0.005);
    }
  };
}

/** Sends a window of zeros the way that every window goes, but for its publication. */
async function probe(shared: Shared): Promise<void> {
  for (const [modality, { manifest }] of shared.inference.towers) {
    await shared.inference.classify(modality, new Float32Array(windowLength(manifest)));
  }
  shared.lastLabel = monotonicSeconds();
  shared.notifier.labelFlowed();
}

/** Probes a pipe that has nothing to do. A probe that fails is not repeated as a success: the watchdog will see to it. */
function watch(shared: Shared): () => Promise<void> {
  let probing = false;
  const timer = setInterval(() => {
    if (probing || monotonicSeconds() - shared.lastLabel < probeAfter) return;
    probing = true;
    probe(shared)
      .catch((error: unknown) => shared.log.error({ err: error }, 'no window passes the models'))
      .finally(() => (probing = false));
  }, 1000);
  return () => {
    clearInterval(timer);
    return Promise.resolve();
  };
}
