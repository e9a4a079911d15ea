/** The sensors of one place while they run, and what becomes of their frames. */
import type { PlaceConfig, SensorConfig } from './config.js';
import type { Shared } from './gateway.js';
import { monotonicSeconds } from '../drivers/transports/transport.js';
import { createPlacePipe } from './place-pipe.js';
import type { PlacePipe } from './place-pipe.js';
import { prepareSource } from './sensor-source.js';
import type { SensorSource } from './sensor-source.js';
import { superviseSensor } from './sensor.js';
import type { SupervisedSensor } from './sensor.js';

export interface RunningPlace extends Pick<PlacePipe, 'request' | 'set' | 'recent'> {
  /** @throws Error with one line if what a sensor plays cannot be played, or its tower does not fit; none of them is started then */
  start(sensors: readonly (readonly [name: string, settings: SensorConfig])[]): Promise<void>;
  /** Ends these sensors; the others go on. */
  end(sensors: readonly string[]): Promise<void>;
  /** Resolves when no sensor is opened any more and every window has its label. */
  ended(): Promise<void>;
  stop(): Promise<void>;
}

export function createRunningPlace(
  shared: Shared,
  name: string,
  { modalities: set, activities: policy }: Pick<PlaceConfig, 'modalities' | 'activities'>,
): RunningPlace {
  const { log, inference, publisher, terminal, once, stages } = shared;
  const running = new Map<string, { source: SensorSource; sensor?: SupervisedSensor }>();

  const pipe = createPlacePipe({
    ...{ name, set, policy, inference, log },
    replayed: once,
    async onActivity({ change, activity }, window) {
      await publisher.publishActivity(name, activity, { change });
      if (once) await shared.delivered();
      if (!window) return;
      shared.lastLabel = monotonicSeconds();
      shared.notifier.labelFlowed();
      const performed = [...running.values()]
        .map(({ source }) => source.feed?.performing(window))
        .find((label) => label !== undefined);
      terminal?.label(name, activity, performed);
    },
    onModalities(modalities) {
      publisher.publishModalities(name, modalities);
      terminal?.modalities(name, modalities);
    },
  });

  function supervise({ origin }: SensorSource): SupervisedSensor {
    return superviseSensor({
      ...origin,
      once,
      onFrames: (frames) => pipe.push(origin.name, frames),
      onGone: () => pipe.gone(origin.name),
      onHealth: (health) => {
        publisher.publishSensor(origin.name, health);
        terminal?.sensor(origin.name, health);
        pipe.health(origin.name, health);
      },
      log,
    });
  }

  async function end(sensors: readonly string[]): Promise<void> {
    await Promise.all(
      sensors.map(async (one) => {
        const found = running.get(one);
        await found?.sensor?.stop();
        await found?.source.close();
        running.delete(one);
      }),
    );
    pipe.remove(sensors);
  }

  return {
    async start(sensors) {
      const names = sensors.map(([one]) => one);
      try {
        // All are prepared before one is opened: those that play one performance begin it together.
        for (const [one, settings] of sensors)
          running.set(one, { source: await prepareSource(one, name, settings, stages, log) });
        pipe.add(names.map((one) => running.get(one)!.source.origin));
      } catch (error) {
        await end(names);
        throw error;
      }
      for (const one of names) {
        const { source } = running.get(one)!;
        running.set(one, { source, sensor: supervise(source) });
      }
    },
    end,
    request: (wanted) => pipe.request(wanted),
    get set() {
      return pipe.set;
    },
    recent: pipe.recent,
    async ended() {
      await Promise.all([...running.values()].flatMap(({ sensor }) => (sensor ? [sensor.ended] : [])));
      await pipe.idle();
    },
    async stop() {
      await Promise.all([...running.values()].flatMap(({ sensor }) => (sensor ? [sensor.stop()] : [])));
      pipe.stop();
      await pipe.idle();
      await Promise.all([...running.values()].map(({ source }) => source.close()));
    },
  };
}
