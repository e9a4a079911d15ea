/**
 * The composition root. It reads as the pipe runs: models, broker, publisher, places, sensors.
 *
 *    device ─bytes─▶ sensor ─frames─▶ pipeline ─windows─▶ inference ─probabilities─▶ place ─activity─▶ publisher ─▶ MQTT
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { monotonicSeconds } from '../drivers/transports/transport.js';
import { startInference, Superseded } from '../models/inference.js';
import type { Inference } from '../models/inference.js';
import { loadTower } from '../models/store.js';
import { createImuPipeline } from '../pipelines/imu.js';
import type { Window } from '../pipelines/window.js';
import { startBroker } from './broker.js';
import type { Config } from './config.js';
import type { Stages } from './feeds.js';
import { packageVersion } from './package-root.js';
import { createPlace } from './place.js';
import type { Place } from './place.js';
import { createPublisher } from './publisher.js';
import type { Publisher } from './publisher.js';
import { prepareSource } from './sensor-source.js';
import type { SensorSource } from './sensor-source.js';
import { superviseSensor } from './sensor.js';
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
  /** Ends within 2 s, whatever hangs. */
  stop(reason: string): Promise<void>;
}

/** Seconds between looks at clocks that nothing else looks at: a device that fell silent, a pipe that nothing passes. */
const tickPeriod = 0.1;
/** Seconds without a label after which a probe goes through the pipe, so that the watchdog tells a quiet home from a hung gateway. */
const probeAfter = 5;

/** What every part of a running gateway shares. */
interface Shared {
  readonly log: Logger;
  readonly terminal: Terminal | undefined;
  readonly once: boolean;
  readonly inference: Inference;
  readonly publisher: Publisher;
  readonly notifier: ServiceNotifier;
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
    const inference = await startModels(config, log);
    closers.push(() => inference.close());

    let url = config.mqtt.broker;
    if (url === 'embedded') {
      const broker = await startBroker({ host: config.mqtt.host, port: config.mqtt.port, log });
      closers.push(() => broker.close());
      url = broker.url;
    }
    const publisher = await createPublisher({
      gateway: config.gateway,
      url,
      username: config.mqtt.username,
      password: config.mqtt.password,
      outboxDirectory: join(config.dataDirectory, 'outbox'),
      log,
    });
    closers.push(() => publisher.close());
    publisher.publishStatus({
      version: packageVersion(),
      since: isoTime(monotonicSeconds()),
      bootId: randomUUID(),
      models: Object.fromEntries(
        [...inference.towers].map(([modality, { provider, passedOver }]) => [
          modality,
          { provider, passedOver: [...passedOver] },
        ]),
      ),
    });

    const shared: Shared = { log, terminal, once, inference, publisher, notifier, lastLabel: -Infinity };
    await probe(shared);
    // Whatever fails, those that were started before it are stopped, all at once.
    const stops: (() => Promise<void>)[] = [];
    closers.push(() => Promise.all(stops.map((stopSensor) => stopSensor())));
    const ends: Promise<void>[] = [];
    const stages: Stages = new Map();
    for (const [name, { sensors }] of Object.entries(config.places)) {
      const sources: SensorSource[] = [];
      for (const [sensor, settings] of Object.entries(sensors)) {
        const source = await prepareSource(sensor, name, settings, stages, log);
        stops.push(() => source.close());
        sources.push(source);
      }
      const has = (flag: 'virtual' | 'recorded') => sources.some(({ origin }) => origin[flag]);
      const place = createPlace({ virtual: has('virtual'), recorded: has('recorded') });
      const running = { name, place, live: new Set<string>() };
      for (const source of sources) {
        const sensor = startSensor(shared, running, source);
        stops.push(() => sensor.stop());
        ends.push(sensor.ended);
      }
    }
    closers.push(watch(shared));
    notifier.ready(`labels on ${url}`);
    log.info({ url, gateway: config.gateway }, `labels are published on ${url} below babel/${config.gateway}/`);
    return { url, stop, ended: Promise.all(ends).then(() => undefined) };
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

async function startModels(config: Config, log: Logger): Promise<Inference> {
  const { providers, threads } = config.models;
  const towers = await Promise.all([...towerDirectories(config).values()].map((directory) => loadTower(directory)));
  return startInference({ towers, providers, threads, log });
}

/** Sends a window of zeros the way that every window goes, but for its publication. */
async function probe(shared: Shared): Promise<void> {
  for (const [modality, { manifest }] of shared.inference.towers) {
    const { samples, channels } = manifest.window;
    await shared.inference.classify(modality, new Float32Array(samples * channels.length));
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

interface RunningPlace {
  readonly name: string;
  readonly place: Place;
  /** Sensors that give frames now. */
  readonly live: Set<string>;
}

/** One sensor on its way through the pipe. */
interface RunningSensor {
  /** See `SupervisedSensor`. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

function startSensor(shared: Shared, running: RunningPlace, { origin, feed }: SensorSource): RunningSensor {
  const { log, inference, publisher, terminal, once } = shared;
  const { name, driver, virtual, recorded } = origin;

  // Windows of one sensor are taken one after the other: a still one, which asks no model, must not overtake the one before.
  let last = Promise.resolve();
  const tower = inference.towers.get(driver.modality);
  const pipeline =
    tower &&
    createImuPipeline({
      ...tower.manifest.window,
      sensor: name,
      inputRate: driver.nominalRate(origin.driverSettings),
      onWindow: (window) => {
        // Live windows are asked for at once: those that the models are too slow for must not pile up here. A replay can wait.
        const asked = once || window.still ? undefined : classify(window);
        asked?.catch(() => undefined);
        last = last.then(() => label(window, asked)).catch((error: unknown) => failed(error));
      },
    });

  async function label(window: Window, asked: ReturnType<typeof classify> | undefined): Promise<void> {
    const result = {
      modality: window.modality,
      sensor: name,
      virtual,
      recorded,
      window: { start: window.start, end: window.end },
    };
    const { change, activity } = running.place.update(
      window.still ? { ...result, still: true } : { ...result, still: false, ...(await (asked ?? classify(window))) },
    );
    await publisher.publishActivity(running.name, activity, { change });
    shared.lastLabel = monotonicSeconds();
    shared.notifier.labelFlowed();
    terminal?.label(running.name, activity, feed?.performing(window));
  }

  async function classify(window: Window) {
    const { manifest } = inference.towers.get(window.modality)!;
    const { probabilities } = await inference.classify(window.modality, window.data);
    return { labels: manifest.classes, probabilities };
  }

  function failed(error: unknown): void {
    if (error instanceof Superseded) log.debug(`${name}: a window came faster than the models work, and is left out`);
    else log.warn({ err: error }, `${name}: a window could not be labelled`);
  }

  const sensor = superviseSensor({
    ...origin,
    once,
    onFrames: (frames) => {
      for (const frame of frames) if (frame.kind === 'imu') pipeline?.push(frame);
    },
    onGone: () => pipeline?.end(),
    onHealth: (health) => {
      publisher.publishSensor(name, health);
      terminal?.sensor(name, health);
      const { live } = running;
      if (health.state === 'live') live.add(name);
      else if (live.delete(name) && live.size === 0)
        last = last.then(() => {
          const { change, activity } = running.place.absent(monotonicSeconds());
          return publisher.publishActivity(running.name, activity, { change });
        });
    },
    log,
  });
  // A replay runs at its own speed: its end tells when nothing more comes.
  const ticking = once ? undefined : setInterval(() => pipeline?.tick(monotonicSeconds()), tickPeriod * 1000);

  return {
    ended: sensor.ended.then(() => last),
    async stop() {
      clearInterval(ticking);
      await sensor.stop();
      await last;
    },
  };
}
