/** A recording's or capture's sensors, each with what is drawn of it. */
import { readFile, stat } from 'node:fs/promises';
import type { Decoder, Driver } from '../../drivers/driver.js';
import type { Frame } from '../../drivers/frames.js';
import type { SensorDescription } from '../../drivers/recording/sensor-description.js';
import { containerOf, pieces, type Container, type Piece } from '../decode/capture.js';
import { driverNamed, settingsFor, type SettingOptions } from '../decode/driver-settings.js';
import { recognise } from '../decode/recognise.js';
import { createFrameTimes, type FrameTimes } from './frame-times.js';
import { cubeOfNpy, isNpy } from './npy-cube.js';
import { plotOf } from './plots.js';
import { count, type SensorPlot } from './sensor-plot.js';

export interface ReadOptions extends SettingOptions {
  driver?: string;
  sensor?: string;
  /** Seconds from the file's beginning. */
  from: number;
  seconds?: number;
}

/** What one sensor gave. */
export interface ReadSensor {
  readonly name: string;
  readonly driver: Driver;
  readonly virtual: boolean;
  readonly decoder: Decoder;
  readonly times: FrameTimes;
  /** By the kind of the frames, as a rule one. */
  readonly plots: Map<Frame['kind'], SensorPlot>;
  readonly faults: Record<string, number>;
  /** Frames within the asked-for time. */
  frames: number;
  first: number;
  last: number;
}

interface Opened extends ReadSensor {
  readonly settings: unknown;
  readonly files: Readonly<Record<string, string>>;
  readonly arrivals: boolean;
}

/** A sensor's frame may be captured before its bytes were, so reading goes on a little longer. Seconds. */
const patience = 2;

/** @param onBytes told how much of the file has been read */
export async function readSensors(
  file: string,
  options: ReadOptions,
  onProblem: (problem: string) => void,
  onBytes: (read: number, all: number) => void,
): Promise<ReadSensor[]> {
  const container = await containerOf(file);
  if (container === 'raw' && (await isNpy(file))) return [await readCube(file, options)];
  const { size } = await stat(file);
  const find = await finder(file, container, options);
  const found = new Map<SensorDescription | undefined, Opened | undefined>();
  const until = options.from + (options.seconds ?? Infinity);
  let origin = NaN;
  let read = 0;

  for await (const piece of pieces(file, container, onProblem)) {
    onBytes((read += piece.bytes.length), size);
    if (!find.wanted(piece)) continue;
    if (!found.has(piece.sensor)) found.set(piece.sensor, await find.open(piece.sensor));
    const sensor = found.get(piece.sensor);
    if (sensor === undefined) continue;
    if (Number.isNaN(origin) && piece.arrivalTime !== undefined) origin = piece.arrivalTime;
    if ((piece.arrivalTime ?? -Infinity) - origin > until + patience) break;
    let beyond = false;
    for (const frame of sensor.decoder.push(piece.bytes, piece.arrivalTime ?? 0)) {
      const timed = sensor.times.timed(frame);
      if (timed === undefined) {
        count(sensor.faults, 'badTime');
        continue;
      }
      if (Number.isNaN(origin)) origin = timed.time;
      const time = timed.time - origin;
      beyond = time >= until;
      if (time < options.from || beyond) continue;
      take(sensor, timed.frame, time, origin);
    }
    if (beyond && container === 'raw') break;
  }
  return [...found.values()].filter((sensor) => sensor !== undefined);
}

/** Raw samples of one radar frame, whose meaning the profile says. */
async function readCube(file: string, options: ReadOptions): Promise<ReadSensor> {
  const driver = driverNamed(options.driver ?? 'ti-dca1000');
  if (driver.name !== 'ti-dca1000')
    throw new Error(`${file}: NumPy files are read as a radar's raw samples, of ti-dca1000`);
  if (options.profile === undefined)
    throw new Error(`${file}: raw samples mean nothing without the radar's profile; name it with --profile`);
  const sensor = await openSensor(driver.name, driver, 'raw', options);
  let frame: Frame;
  try {
    frame = cubeOfNpy(await readFile(file), sensor.files['profile'] ?? '');
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`, { cause: error });
  }
  take(sensor, frame, 0, 0);
  return sensor;
}

function take(sensor: Opened, frame: Frame, time: number, origin: number): void {
  let plot = sensor.plots.get(frame.kind);
  if (plot === undefined) {
    const { name, driver, settings, files, arrivals } = sensor;
    plot = plotOf(frame.kind, { name, driver, settings, files, arrivals, origin });
    sensor.plots.set(frame.kind, plot);
  }
  if (sensor.frames++ === 0) sensor.first = sensor.last = time;
  else sensor.first = Math.min(sensor.first, time);
  sensor.last = Math.max(sensor.last, time);
  plot.push(frame, time);
}

async function openSensor(
  name: string,
  driver: Driver,
  container: Container,
  options: ReadOptions,
  recorded?: SensorDescription,
): Promise<Opened> {
  const given = await settingsFor(driver, options, recorded);
  const files = { ...recorded?.files, ...given.files };
  return {
    name,
    driver,
    settings: given.settings,
    files,
    arrivals: container !== 'raw',
    virtual: recorded?.virtual ?? false,
    decoder: driver.decoder(given.settings, files),
    times: createFrameTimes(container !== 'raw', driver.nominalRate(given.settings)),
    plots: new Map(),
    faults: {},
    frames: 0,
    first: NaN,
    last: NaN,
  };
}

interface Finder {
  /** @returns undefined: not one of those that are asked for */
  open(description: SensorDescription | undefined): Promise<Opened | undefined>;
  wanted(piece: Piece): boolean;
}

async function finder(file: string, container: Container, options: ReadOptions): Promise<Finder> {
  const named = options.driver === undefined ? undefined : driverNamed(options.driver);
  const make = (name: string, driver: Driver, recorded?: SensorDescription) =>
    openSensor(name, driver, container, options, recorded);
  if (container !== 'recording') {
    if (options.sensor !== undefined)
      throw new Error(`${file}: --sensor is for recordings (MCAP); a capture holds one device. Leave it out`);
    const { driver, port } = named && container === 'raw' ? { driver: named } : await recognise(file, container, named);
    return { wanted: (piece) => port === undefined || piece.port === port, open: () => make(driver.name, driver) };
  }
  const { driver, metadata, profile, setting, sensor: only } = options;
  const ofOne = driver ?? metadata ?? profile ?? setting[0];
  if (only === undefined && ofOne !== undefined)
    throw new Error(`${file}: --driver and settings are one sensor's; name it with --sensor`);
  return {
    wanted: ({ sensor }) => sensor !== undefined && (only === undefined || sensor.sensor === only),
    open: (description) => make(description!.sensor, named ?? driverNamed(description!.driver), description),
  };
}
