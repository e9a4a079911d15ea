/** What a recording says about a sensor: the metadata of its channel. docs/recordings.md describes the keys. */

export interface SensorDescription {
  /** The sensor's name; the channel's topic is `/` and the name. */
  readonly sensor: string;
  readonly driver: string;
  /** The driver's settings, as its schema validated them. */
  readonly settings: unknown;
  /** Text of the files that the settings name, by the setting's name: a recording is decoded without them. */
  readonly files: Readonly<Record<string, string>>;
  /** The transport's name, for instance `serial`. */
  readonly transport: string;
  readonly place: string;
  /** The bytes come from a simulation. */
  readonly virtual: boolean;
  /** The bytes came from an earlier recording or a data set, not from a device at that time. */
  readonly recorded: boolean;
}

const filePrefix = 'file:';

export function toMetadata({ files, settings, virtual, recorded, ...texts }: SensorDescription): Map<string, string> {
  return new Map([
    ...Object.entries(texts),
    ['settings', JSON.stringify(settings)],
    ['virtual', String(virtual)],
    ['recorded', String(recorded)],
    ...Object.entries(files).map(([name, text]): [string, string] => [filePrefix + name, text]),
  ]);
}

/** @returns undefined if the metadata are not those of a sensor */
export function fromMetadata(metadata: ReadonlyMap<string, string>): SensorDescription | undefined {
  const sensor = metadata.get('sensor');
  const driver = metadata.get('driver');
  if (sensor === undefined || driver === undefined) return undefined;
  let settings: unknown;
  try {
    settings = JSON.parse(metadata.get('settings') ?? '{}');
  } catch {
    return undefined;
  }
  const files = [...metadata].filter(([key]) => key.startsWith(filePrefix));
  return {
    sensor,
    driver,
    settings,
    files: Object.fromEntries(files.map(([key, text]) => [key.slice(filePrefix.length), text])),
    transport: metadata.get('transport') ?? '',
    place: metadata.get('place') ?? '',
    virtual: metadata.get('virtual') === 'true',
    recorded: metadata.get('recorded') === 'true',
  };
}
