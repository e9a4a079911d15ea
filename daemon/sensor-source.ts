/** Where a configured sensor's bytes come from, and what must be said of them wherever they go. */
import type { Driver } from '../drivers/driver.js';
import { readRecording } from '../drivers/recording/reader.js';
import type { SensorDescription } from '../drivers/recording/sensor-description.js';
import { findDriver } from '../drivers/registry.js';
import { openTransport } from '../drivers/transports/registry.js';
import type { TransportSettings } from '../drivers/transports/registry.js';
import type { SensorConfig } from './config.js';
import { readDriverFiles } from './driver-files.js';
import { startFeed } from './feeds.js';
import type { Feed, Stages } from './feeds.js';
import type { Logger } from './log.js';
import type { SensorOptions } from './sensor.js';

/** What `superviseSensor` must know of a sensor's origin. */
type Origin = Pick<
  SensorOptions,
  | 'name'
  | 'place'
  | 'driver'
  | 'driverSettings'
  | 'openTransport'
  | 'transportName'
  | 'silenceTimeout'
  | 'virtual'
  | 'recorded'
> &
  Required<Pick<SensorOptions, 'readFiles'>>;

export interface SensorSource {
  readonly origin: Origin;
  /** Absent for a device that the gateway does not play itself. */
  readonly feed: Feed | undefined;
  /** What a recording says of the sensor. @throws Error with one line if a file of its driver cannot be read */
  describe(): Promise<SensorDescription>;
  close(): Promise<void>;
}

/**
 * @param name of the sensor
 * @param place that it observes
 * @param stages of the gateway
 * @throws Error with one line if what it plays cannot be played
 */
export async function prepareSource(
  name: string,
  place: string,
  config: SensorConfig,
  stages: Stages,
  log: Logger,
): Promise<SensorSource> {
  const driver: Driver = findDriver(config.driver)!;
  const feed = config.feed && (await startFeed(config.feed, driver.name, config.settings, stages, log));
  const transport: TransportSettings = feed?.transport ?? config.transport!;
  const played = transport.type === 'recording' ? await recordedSensor(transport) : undefined;
  const origin: Origin = {
    name,
    place,
    driver,
    driverSettings: config.settings,
    // A recording holds the files that its sensor had: those, not what lies under their names now.
    readFiles: async () => ({ ...(await readDriverFiles(driver, config.settings, played?.files)), ...played?.files }),
    openTransport: (handlers) => openTransport(transport, handlers, driver.transports),
    transportName: transport.type,
    silenceTimeout: config.silenceTimeout,
    virtual: feed?.virtual ?? played?.virtual ?? false,
    recorded: feed?.recorded ?? ('file' in transport && transport.file !== undefined),
  };
  return {
    origin,
    feed,
    async describe() {
      const { virtual, recorded, transportName, driverSettings, readFiles } = origin;
      const files = await readFiles();
      return {
        sensor: name,
        driver: driver.name,
        settings: driverSettings,
        files,
        transport: transportName,
        place,
        virtual,
        recorded,
      };
    },
    close: async () => feed?.close(),
  };
}

/** What the recording says of the sensor that is played; undefined if it cannot be read, which its opening will tell. */
async function recordedSensor({
  file,
  sensor: wanted,
}: Extract<TransportSettings, { type: 'recording' }>): Promise<SensorDescription | undefined> {
  try {
    for await (const { sensor } of readRecording(file))
      if (wanted === undefined || sensor.sensor === wanted) return sensor;
  } catch {
    // Told, with the reason, when the transport is opened.
  }
  return undefined;
}
