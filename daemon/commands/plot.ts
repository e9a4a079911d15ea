/** `babel-gateway plot`: a recording or capture as PNG pictures. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createReadingBar } from '../plot/progress.js';
import { readSensors, type ReadOptions, type ReadSensor } from '../plot/read.js';
import type { Drawing } from '../plot/sensor-plot.js';

export interface PlotOptions extends ReadOptions {
  out: string;
  json: boolean;
}

/** Writes the pictures and prints a line for each. @throws Error with one line that says what to do */
export async function plot(file: string, options: PlotOptions): Promise<void> {
  const bar = createReadingBar();
  let sensors: ReadSensor[];
  try {
    sensors = await readSensors(
      file,
      options,
      (problem) => console.error(problem),
      (read, all) => bar.update('reading', read, all),
    );
  } finally {
    bar.end();
  }
  if (sensors.length === 0) throw new Error(`${file}: ${nothing(options)}`);
  await makeFolder(options.out);
  let pictures = 0;
  for (const sensor of sensors) {
    const all = [...sensor.plots.values()].flatMap((one) => one.drawings().map((drawing) => ({ drawing, plot: one })));
    const faults = faultsOf(sensor);
    if (all.length === 0) console.error(emptyLine(sensor, faults));
    for (const [index, { drawing }] of all.entries()) {
      bar.update(`drawing ${sensor.name}`, index, all.length);
      const path = join(options.out, `${fileName(sensor.name)}-${drawing.what}.png`);
      await writeFile(path, await drawing.draw(textsOf(sensor, drawing, faults)));
      pictures++;
      bar.end();
      const line = {
        file: path,
        sensor: sensor.name,
        what: drawing.what,
        ...(Object.keys(faults).length > 0 && { faults }),
      };
      console.log(options.json ? JSON.stringify(line) : path);
    }
    for (const { remarks = [] } of sensor.plots.values())
      for (const one of remarks) console.error(`${sensor.name}: ${one}`);
    if (!options.json && all.length > 0 && Object.keys(faults).length > 0)
      console.error(`${sensor.name}: left out: ${listed(faults)}`);
  }
  if (pictures === 0) process.exitCode = 1;
}

function nothing({ sensor }: PlotOptions): string {
  return sensor === undefined
    ? 'there is nothing of a sensor in it'
    : `there is nothing of a sensor ${sensor} in it; leave --sensor out to draw all`;
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reasons: Record<string, string> = {
      EEXIST: 'this is a file; name a folder',
      ENOTDIR: 'a part of this path is a file; name a folder',
      EACCES: 'permission denied; name a folder that you may write to',
    };
    throw new Error(`--out ${path}: ${reasons[code ?? ''] ?? message}`, { cause: error });
  }
}

/** A sensor's name may be any text. */
const fileName = (name: string): string => name.replace(/[^\p{L}\p{N}._-]+/gu, '_').replace(/^\.+/, '_');

/** All that was not drawn, by the reason: what the decoder lost, and what the plots refused. */
function faultsOf({ decoder, faults, plots }: ReadSensor): Record<string, number> {
  const all: Record<string, number> = { ...faults };
  const add = (more: Readonly<Record<string, number>>) => {
    for (const [reason, times] of Object.entries(more)) if (times > 0) all[reason] = (all[reason] ?? 0) + times;
  };
  add(decoder.counters.failures);
  for (const one of plots.values()) add(one.faults);
  return all;
}

const listed = (faults: Readonly<Record<string, number>>): string =>
  Object.entries(faults)
    .map(([reason, times]) => `${reason} ${times}`)
    .join(', ');

function emptyLine({ name, driver, frames }: ReadSensor, faults: Record<string, number>): string {
  const why = Object.keys(faults).length > 0 ? ` (${listed(faults)})` : '';
  if (frames === 0)
    return `${name}: no frame of ${driver.name} within this time${why}: nothing is drawn. Are --driver, --setting, --from and --seconds right?`;
  if (faults['noProfile'] !== undefined)
    return `${name}: raw samples mean nothing without the radar's profile; name it with --profile`;
  return `${name}: ${frames} frames, of which none can be drawn${why}`;
}

const clocks = { device: "device's clock", arrival: 'times of arrival', rate: 'no times: nominal rate' } as const;

function textsOf(sensor: ReadSensor, { title, note }: Drawing, faults: Record<string, number>) {
  const { name, driver, frames, first, last, times, virtual } = sensor;
  const parts = [
    ...(virtual ? ['VIRTUAL: a simulation'] : []),
    driver.title,
    `${frames} frames in ${(last - first).toFixed(2)} s`,
    clocks[times.source],
  ];
  const refused = Object.keys(faults).length > 0 ? [`not drawn: ${listed(faults)}`] : [];
  const lines = [parts.join(' · '), ...(note?.split('\n') ?? []), ...refused];
  return { title: `${name}: ${title}`, subtitle: lines.map(shortened).join('\n') };
}

/** What is wider than a picture would widen it. */
const shortened = (line: string): string => (line.length > 120 ? `${line.slice(0, 119)}…` : line);
