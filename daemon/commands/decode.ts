/** `babel-gateway decode`: a capture to its frames, for people at the bench. */
import type { Decoder, Driver } from '../../drivers/driver.js';
import { fieldsOf } from '../../drivers/frame-fields.js';
import type { Field } from '../../drivers/frame-fields.js';
import type { Frame } from '../../drivers/frames.js';
import type { SensorDescription } from '../../drivers/recording/sensor-description.js';
import { containerOf, pieces } from '../decode/capture.js';
import { driverNamed, settingsFor, type SettingOptions } from '../decode/driver-settings.js';
import { createNpyFrames } from '../decode/npy-frames.js';
import { recognise } from '../decode/recognise.js';

export interface DecodeOptions extends SettingOptions {
  driver?: string;
  sensor?: string;
  npy?: string;
  json: boolean;
}

/** Prints the frames and a summary. @throws Error with one line that says what to do */
export async function decode(file: string, options: DecodeOptions): Promise<void> {
  // Whoever reads has read enough, `head` for instance.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    throw error;
  });
  const { driver, decoder, isWanted, virtual } = await openFile(file, options);
  const npy = options.npy === undefined ? undefined : await createNpyFrames(options.npy);
  const container = await containerOf(file);
  const timed = container !== 'raw';
  let frames = 0;
  let first: Frame | undefined;
  let firstTime: number | undefined;
  let lastTime = 0;
  const shapes = new Map<string, string>();

  for await (const piece of pieces(file, container, (problem) => console.error(problem))) {
    if (!isWanted(piece)) continue;
    for (const frame of decoder.push(piece.bytes, piece.arrivalTime ?? 0)) {
      first ??= frame;
      const time = frame.deviceTime ?? (timed ? frame.arrivalTime : undefined);
      if (time !== undefined) {
        firstTime ??= time;
        lastTime = time;
      }
      if (options.json) await print(JSON.stringify(frameLine(frame, frames, timed)));
      else for (const { name, shape } of fieldsOf(frame)) if (!shapes.has(name)) shapes.set(name, shape.join(' × '));
      await npy?.write(frame, frames);
      frames++;
    }
  }
  await npy?.close();

  const { bytes, skippedBytes, failures } = decoder.counters;
  const summary = {
    driver: driver.name,
    frames,
    bytes,
    skippedBytes,
    lostPackets: failures['lostPackets'] ?? 0,
    duration_s: firstTime === undefined ? null : Number((lastTime - firstTime).toFixed(6)),
    failures: Object.fromEntries(Object.entries(failures).filter(([, count]) => count > 0)),
    ...(virtual && { virtual }),
  };
  if (options.json) await print(JSON.stringify(summary));
  else await print(report(summary, shapes));
  if (frames > 0) return;
  console.error(`${file}: no frame came out of it. Is it of ${driver.name}, and are the settings right (--setting)?`);
  process.exitCode = 1;
}

type Wanted = (piece: { port?: number; sensor?: SensorDescription }) => boolean;

async function openFile(
  file: string,
  options: DecodeOptions,
): Promise<{ driver: Driver; decoder: Decoder; isWanted: Wanted; virtual: boolean }> {
  const container = await containerOf(file);
  const named = options.driver === undefined ? undefined : driverNamed(options.driver);
  if (container !== 'recording') {
    // A named driver of a stream is believed; in a network capture its datagrams must be found.
    const { driver, port } = named && container === 'raw' ? { driver: named } : await recognise(file, container, named);
    const { settings, files } = await settingsFor(driver, options);
    return {
      driver,
      decoder: driver.decoder(settings, files),
      isWanted: (piece) => port === undefined || piece.port === port,
      virtual: false,
    };
  }
  const sensor = await sensorOf(file, options.sensor);
  const driver = named ?? driverNamed(sensor.driver);
  const { settings, files } = await settingsFor(driver, options, sensor);
  return {
    driver,
    decoder: driver.decoder(settings, { ...sensor.files, ...files }),
    isWanted: (piece) => piece.sensor?.sensor === sensor.sensor,
    virtual: sensor.virtual,
  };
}

/** The recorded sensor of that name, or the only one. */
async function sensorOf(file: string, name: string | undefined): Promise<SensorDescription> {
  const found = new Map<string, SensorDescription>();
  for await (const { sensor } of pieces(file, 'recording')) {
    if (sensor === undefined) continue;
    found.set(sensor.sensor, sensor);
    if (sensor.sensor === name) return sensor;
  }
  const [only, ...others] = found.values();
  if (!only) throw new Error(`${file}: there is nothing of a sensor in it`);
  if (name !== undefined || others.length > 0)
    throw new Error(`${file}: which sensor? Name one with --sensor: ${[...found.keys()].join(', ')}`);
  return only;
}

/** Waits where whoever reads is slow. */
function print(line: string): Promise<void> {
  return new Promise((done) => {
    if (process.stdout.write(`${line}\n`)) done();
    else process.stdout.once('drain', done);
  });
}

function frameLine(frame: Frame, index: number, timed: boolean) {
  return {
    frame: index,
    kind: frame.kind,
    ...(timed && { arrivalTime: frame.arrivalTime }),
    ...(frame.deviceTime !== undefined && { deviceTime: frame.deviceTime }),
    fields: Object.fromEntries(
      fieldsOf(frame)
        .filter(({ name }) => name !== 'arrivalTime' && name !== 'deviceTime')
        .map((field) => [field.name, statistics(field)]),
    ),
  };
}

/** What is no number is left out of the figures; null: there is none. */
function statistics({ shape, data }: Field) {
  let min = Infinity;
  let max = -Infinity;
  let sum = 0;
  let count = 0;
  for (const value of data) {
    if (Number.isNaN(value)) continue;
    if (value < min) min = value;
    if (value > max) max = value;
    sum += value;
    count++;
  }
  return count === 0 ? { shape, min: null, mean: null, max: null } : { shape, min, mean: sum / count, max };
}

function report(summary: object, shapes: ReadonlyMap<string, string>): string {
  const rows = Object.entries(summary as Record<string, unknown>).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  const fields = [...shapes].map(([name, shape]) => `  ${name.padEnd(24)}${shape || 'number'}`);
  return [
    ...rows.map(([name, value]) => `${name!.padEnd(14)}${value!}`),
    '',
    ...(fields.length === 0 ? [] : ['fields of a frame, with the shape of the first', ...fields, '']),
    'each frame as JSON: --json    NumPy files: --npy DIR',
  ].join('\n');
}
