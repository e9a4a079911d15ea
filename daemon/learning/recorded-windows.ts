/** A recording's windows, through the same drivers, pipelines and grid as the running gateway's. */
import type { Decoder } from '../../drivers/driver.js';
import { readRecording, summariseRecording } from '../../drivers/recording/reader.js';
import type { SensorDescription } from '../../drivers/recording/sensor-description.js';
import { findDriver } from '../../drivers/registry.js';
import type { Modality } from '../../drivers/frames.js';
import type { Manifest } from '../../models/manifest.js';
import { createPlaceWindows } from '../../pipelines/place-windows.js';
import type { PlaceWindow, PlaceWindows } from '../../pipelines/place-windows.js';
import { createWindowGrid } from '../../pipelines/window-grid.js';
import type { WindowGrid } from '../../pipelines/window-grid.js';
import { createSensorPipeline } from '../sensor-pipeline.js';
import type { SensorPipeline } from '../sensor-pipeline.js';
import { lengthOf } from './encoders.js';

type WindowManifest = Pick<Manifest, 'name' | 'modality' | 'window'>;

export interface RecordedWindow extends PlaceWindow {
  readonly place: string;
  /** Seconds from the recording's first message to the window's start. */
  readonly offset: number;
}

export interface ReadOptions {
  /** What each name reads; a name is a sensor's own, or its modality. */
  readonly manifests: ReadonlyMap<string, WindowManifest>;
  /** Only this sensor, where several would do. */
  readonly sensor?: string | undefined;
  /** Messages read, of all. */
  readonly onProgress?: ((done: number, of: number) => void) | undefined;
  /** Told, before the first window, the name that each sensor goes by. */
  readonly onNames?: ((names: ReadonlyMap<string, string>) => void) | undefined;
  readonly onProblem: (problem: string) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface Reading {
  /** Name that each sensor of the recording goes by, where it has one. */
  readonly names: ReadonlyMap<string, string>;
  /** Seconds from the first message to the last. */
  readonly seconds: number;
}

interface OpenSensor {
  readonly decoder: Decoder;
  readonly pipeline: SensorPipeline;
  readonly place: OpenPlace;
  failed: boolean;
}

interface OpenPlace {
  readonly grid: WindowGrid;
  readonly windows: PlaceWindows;
  readonly modalities: Map<string, Modality>;
  readonly pipelines: Map<string, SensorPipeline>;
  /** Given out, not taken yet. */
  readonly ready: PlaceWindow[];
}

/**
 * Which of the recording's sensors each name means.
 * @throws Error with one line if two sensors of a place would share a name, or a name has no sensor
 */
function nameSensors(
  file: string,
  sensors: readonly SensorDescription[],
  manifests: ReadonlyMap<string, WindowManifest>,
): Map<string, string> {
  const names = new Map<string, string>();
  for (const { sensor, driver } of sensors) {
    const modality = findDriver(driver)?.modality;
    const name = manifests.has(sensor) ? sensor : modality;
    if (name === undefined || !manifests.has(name)) continue;
    if (manifests.get(name)!.modality !== modality)
      throw new Error(
        `${file}: the sensor ${sensor} gives ${modality ?? 'nothing known'}, but its encoder reads ${manifests.get(name)!.modality}`,
      );
    names.set(sensor, name);
  }
  for (const name of manifests.keys()) {
    const own = sensors.filter(({ sensor }) => names.get(sensor) === name);
    const there = sensors
      .map(({ sensor, driver }) => `${sensor} (${findDriver(driver)?.modality ?? driver})`)
      .join(', ');
    if (own.length === 0) throw new Error(`${file}: no sensor in it is or gives ${name}; there are ${there || 'none'}`);
    const places = own.map(({ place }) => place);
    if (new Set(places).size < places.length)
      throw new Error(
        `${file}: ${own.map(({ sensor }) => sensor).join(' and ')} both give ${name}: name the sensor in place of its kind, and its encoder with --encoder SENSOR=FOLDER`,
      );
  }
  return names;
}

/**
 * Plays a recording as fast as it can be read.
 * @param onWindow the next message waits until its promise resolves
 * @throws Error with one line if the file cannot be read or lacks a sensor; ModelError if a pipeline does not fit its tower
 */
export async function readWindows(
  file: string,
  { manifests, sensor: wanted, onProgress, onNames, onProblem, signal }: ReadOptions,
  onWindow: (window: RecordedWindow) => Promise<void> | void,
): Promise<Reading> {
  const { sensors, end } = await summariseRecording(file);
  if (end.problem !== undefined) onProblem(`${file}: ${end.problem}; what can be read is used`);
  const names = nameSensors(
    file,
    sensors.map(({ sensor }) => sensor).filter(({ sensor }) => wanted === undefined || sensor === wanted),
    manifests,
  );
  onNames?.(names);
  const messages = sensors.reduce((sum, one) => sum + one.messages, 0);
  const [first] = manifests.values();
  const timing = { length: lengthOf(first!), hop: first!.window.hop / first!.window.rate };
  const places = new Map<string, OpenPlace>();
  const open = new Map<string, OpenSensor>();
  let [origin, last, done] = [NaN, NaN, 0];

  function placeOf(name: string): OpenPlace {
    const found = places.get(name);
    if (found) return found;
    const ready: PlaceWindow[] = [];
    const modalities = new Map<string, Modality>();
    const grid = createWindowGrid(timing);
    const windows = createPlaceWindows({ grid, modalities, onWindow: (window) => ready.push(window) });
    const place: OpenPlace = { grid, windows, modalities, pipelines: new Map(), ready };
    places.set(name, place);
    return place;
  }

  function openSensor({ sensor, driver: named, settings, files, place: where }: SensorDescription): OpenSensor {
    const driver = findDriver(named)!;
    const checked = driver.settings.parse(settings);
    const place = placeOf(where);
    const pipeline = createSensorPipeline({
      sensor,
      modality: driver.modality,
      manifest: manifests.get(names.get(sensor)!)!,
      inputRate: driver.nominalRate(checked),
      grid: place.grid,
      onPart: (part) => place.windows.add(part),
    });
    place.modalities.set(sensor, driver.modality);
    place.pipelines.set(sensor, pipeline);
    const opened = { decoder: driver.decoder(checked, files), pipeline, place, failed: false };
    open.set(sensor, opened);
    return opened;
  }

  async function give(name: string, place: OpenPlace): Promise<void> {
    for (const window of place.ready.splice(0))
      await onWindow({ ...window, place: name, offset: window.start - origin });
  }

  function advance({ pipelines, grid, windows }: OpenPlace, now: number): void {
    for (const [sensor, pipeline] of pipelines) {
      pipeline.tick(now);
      if (!grid.sensors.has(sensor)) windows.gone(sensor);
    }
    windows.advance(now);
  }

  for await (const { sensor, bytes, arrivalTime } of readRecording(file)) {
    if (signal?.aborted) throw new Error('interrupted');
    done++;
    if (!Number.isFinite(arrivalTime)) continue;
    if (Number.isNaN(origin)) origin = arrivalTime;
    last = arrivalTime;
    if (!names.has(sensor.sensor)) continue;
    const one = open.get(sensor.sensor) ?? openSensor(sensor);
    if (one.failed) continue;
    try {
      for (const frame of one.decoder.push(bytes, arrivalTime)) {
        one.pipeline.push(frame);
        advance(one.place, frame.arrivalTime);
      }
    } catch (error) {
      one.failed = true;
      onProblem(
        `${file}: ${sensor.sensor} is left out from ${(arrivalTime - origin).toFixed(1)} s on: ${(error as Error).message}`,
      );
    }
    if (one.place.ready.length > 0) {
      await give(sensor.place, one.place);
      onProgress?.(done, messages);
    }
  }
  for (const [name, place] of places) {
    for (const pipeline of place.pipelines.values()) pipeline.end();
    place.windows.end();
    await give(name, place);
  }
  return { names, seconds: last - origin };
}
