/** `babel-gateway teach` */
import type { Example } from '../../learning/teach.js';
import type { TowerSession } from '../../models/tower-session.js';
import { openEncoder } from '../learning/encode.js';
import { lengthOf } from '../learning/encoders.js';
import { readWindows } from '../learning/recorded-windows.js';
import { withSession } from '../learning/session.js';
import { inStretch, slack, someOf } from '../learning/stretch.js';
import { openTeachable, teachClass } from '../learning/teach-tower.js';
import { summariseRecording } from '../../drivers/recording/reader.js';
import { findDriver } from '../../drivers/registry.js';

export interface TeachOptions {
  recording: string;
  from: number;
  seconds: number;
  label: string;
  tower: string;
  output: string;
  sensor?: string;
  rest: 'other' | 'unknown';
  threads: number;
  json: boolean;
}

/** @throws Error with one line */
export async function teach(options: TeachOptions): Promise<void> {
  const { recording, from, seconds, tower, output, rest, threads, json } = options;
  const label = options.label.trim();
  if (label === '' || label.length > 200)
    throw new Error('--label: a name of 1 to 200 letters, for instance "brushing teeth"');
  const teachable = await openTeachable(tower);
  const manifests = await manifestsFor(recording, teachable.encoders, options.sensor);
  const longest = Math.max(...[...manifests.values()].map(lengthOf));
  if (seconds + 2 * slack < longest)
    throw new Error(`--seconds ${seconds}: the tower reads windows of ${longest.toFixed(2)} s; name a longer stretch`);

  const lesson = await withSession(async ({ onProgress, onWarning, signal }) => {
    const sessions = new Map<string, TowerSession>();
    const shots: Example[] = [];
    const others: Example[] = [];
    let names: ReadonlyMap<string, string> = new Map();
    const counts = { still: 0, refused: 0 };
    try {
      for (const name of manifests.keys())
        sessions.set(name, await openEncoder(teachable.encoders.get(name)!, threads));
      const read = await readWindows(
        recording,
        {
          ...{ manifests, signal, sensor: options.sensor, onProblem: onWarning },
          onProgress: (step, steps) => onProgress(`windows of ${recording}`, { step, steps, loss: NaN }),
          onNames: (found) => (names = found),
        },
        async ({ offset, start, end, windows, absent }) => {
          const where = inStretch({ start: offset, end: offset + (end - start) }, { from, seconds });
          const inside = where === 'inside';
          if (where === 'across' || (!inside && rest === 'unknown')) return;
          if (inside) counts.refused += absent.length;
          for (const { sensor, data, still } of windows) {
            const name = names.get(sensor)!;
            // The gateway never asks a model about a still window.
            if (still) {
              if (inside) counts.still++;
              continue;
            }
            const { embedding } = await sessions.get(name)!.run(data, 1);
            (inside ? shots : others).push({
              label: inside ? label : null,
              embedding: await teachable.embed(name, embedding),
            });
          }
        },
      );
      if (from >= read.seconds)
        throw new Error(`--from ${from}: the recording ${recording} lasts only ${read.seconds.toFixed(1)} s`);
    } finally {
      for (const session of sessions.values()) await session.release();
    }
    if (shots.length === 0) throw new Error(nothing(options, counts));
    const taken = someOf(others);
    return {
      ...(await teachClass(teachable, label, [...shots, ...taken], output)),
      shots: shots.length,
      others: taken.length,
    };
  });
  const { shots, others, classes, method, examples } = lesson;
  console.log(
    json
      ? JSON.stringify({ output, label, shots, others, classes: classes.length, method, examples })
      : `'${label}' was taught by ${shots} windows, beside ${others} of something else (${method}). ` +
          `The ${teachable.kind} with ${classes.length} classes is in ${output}.`,
  );
}

function nothing(
  { recording, from, seconds }: TeachOptions,
  { still, refused }: { still: number; refused: number },
): string {
  const stretch = `${recording}, ${from} to ${from + seconds} s`;
  if (still > 0) return `${stretch}: the sensor was at rest; the gateway calls that still without a model`;
  if (refused > 0)
    return `${stretch}: the sensor saw nobody, or gave no numbers (babel-gateway plot ${recording} shows it)`;
  return `${stretch}: no whole window lies within; name a longer stretch`;
}

/** The tower's names that the recording has a sensor of. @throws Error with one line if it has none */
async function manifestsFor(
  recording: string,
  encoders: ReadonlyMap<string, Parameters<typeof openEncoder>[0]>,
  only?: string,
) {
  const { sensors } = await summariseRecording(recording);
  const there = sensors.map(({ sensor }) => ({ name: sensor.sensor, modality: findDriver(sensor.driver)?.modality }));
  const listed =
    there.map(({ name, modality }) => `${name} (${modality ?? 'of an unknown driver'})`).join(', ') || 'none';
  if (only !== undefined && !there.some(({ name }) => name === only))
    throw new Error(`--sensor ${only}: ${recording} has no such sensor, but ${listed}`);
  const usable = [...encoders].filter(([name]) =>
    there.some((one) => (only === undefined || one.name === only) && (one.name === name || one.modality === name)),
  );
  if (usable.length === 0)
    throw new Error(
      `${recording} has no sensor that the tower reads (${[...encoders.keys()].join(', ')}), but ${listed}`,
    );
  return new Map(usable.map(([name, { manifest }]) => [name, manifest]));
}
