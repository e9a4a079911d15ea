/** Labels for a person at the terminal: a few lines that stay in place, or one line a label where the output is a file or a pipe. */
import { createLogUpdate } from 'log-update';
import pc from 'picocolors';
import type { PlaceUpdate } from './place.js';
import type { PlaceModalities, SensorHealth } from './topics.js';

type Activity = PlaceUpdate['activity'];

export interface Terminal {
  /** @param performed what a played device really does in the label's window, where that is known */
  label(place: string, activity: Activity, performed: string | undefined): void;
  /** What the place fuses is another than before. */
  modalities(place: string, set: PlaceModalities): void;
  sensor(name: string, health: SensorHealth): void;
  /** Writes a line of the log above the lines that stay in place. */
  write(line: string): void;
  close(): void;
}

export interface TerminalOptions {
  /** Where to write; its `isTTY` decides how. */
  readonly stream?: NodeJS.WriteStream;
  /** The command that changes what is fused, but for place and set; absent: no such command reaches this gateway. */
  readonly switching?: string;
}

interface Row {
  activity: Activity;
  performed: string | undefined;
  agreed: number;
  compared: number;
}

const barLength = 20;

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}

/** What the label is made of, where it is not a live measurement. */
function origin({ virtual, recorded }: { virtual: boolean; recorded: boolean }): string {
  if (virtual) return 'VIRTUAL SENSORS: made-up data, not a measurement';
  return recorded ? 'RECORDING: played again, not live' : '';
}

function agreement({ agreed, compared }: Row): string {
  return compared === 0 ? '' : `agreed in ${agreed} of ${compared} windows (${percent(agreed / compared)})`;
}

function asLine(place: string, row: Row): string {
  const { activity, performed } = row;
  return [
    activity.window.end.slice(11, 19),
    `${place}: ${activity.activity} (${percent(activity.confidence)})`,
    activity.modalities.join(', '),
    ...(performed === undefined ? [] : [`performed: ${performed}`, agreement(row)]),
    origin(activity),
  ]
    .filter(Boolean)
    .join(' · ');
}

function asFused({ fused, absent }: PlaceModalities): string {
  return [fused.join(', ') || 'nothing', ...absent.map(({ modality, reason }) => `${modality}: ${reason}`)].join(' · ');
}

/** How to leave one out, or to have all again. */
function advice(place: string, { set, fused }: PlaceModalities, switching: string): string | undefined {
  if (set !== 'all') return `all of them again: ${switching} ${place} all`;
  const last = fused.at(-1);
  if (last === undefined || fused.length < 2) return undefined;
  return `without ${last}: ${switching} ${place} ${fused.slice(0, -1).join(',')}`;
}

function asBlock(place: string, row: Row, sensors: ReadonlyMap<string, SensorHealth>): string[] {
  const { activity, performed } = row;
  const full = Math.round(activity.confidence * barLength);
  const bar = pc.green('█'.repeat(full)) + pc.dim('░'.repeat(barLength - full));
  const lines = [
    `${pc.bold(place)}   ${pc.bold(pc.cyan(activity.activity))}   ${bar} ${percent(activity.confidence)}   ${pc.dim(`since ${activity.since.slice(11, 19)} UTC`)}`,
  ];
  if (performed !== undefined) {
    const same = performed === activity.activity ? pc.green('the same') : pc.red('another');
    lines.push(`   performed   ${performed}   ${same}   ${pc.dim(agreement(row))}`);
  }
  for (const [name, health] of sensors) {
    if (health.place !== place) continue;
    const state = health.state === 'live' ? pc.green('live') : pc.red(health.state);
    lines.push(
      `   ${name}   ${state}   ${health.frameRate.toFixed(0)} frames/s   ${pc.dim(health.driver)}   ${health.reason ?? ''}`,
    );
  }
  const warning = origin(activity);
  if (warning) lines.push(`   ${pc.yellow(warning)}`);
  return lines;
}

export function createTerminal({ stream = process.stdout, switching }: TerminalOptions = {}): Terminal {
  const rows = new Map<string, Row>();
  const sets = new Map<string, PlaceModalities>();
  /** Places whose set has not been told since it changed. */
  const untold = new Set<string>();
  const sensors = new Map<string, SensorHealth>();
  // A terminal that does not know its size, such as a serial console, gets lines.
  const update = stream.isTTY && stream.columns > 0 && stream.rows > 0 ? createLogUpdate(stream) : undefined;
  const draw = () =>
    update?.(
      [...rows]
        .flatMap(([place, row]) => {
          const [fused, how] = setLines(place);
          return [
            '',
            ...asBlock(place, row, sensors),
            ...(fused ? [`   fused   ${fused}`] : []),
            ...(how ? [pc.dim(`   ${how}`)] : []),
          ];
        })
        .join('\n'),
    );

  /** What is fused, and how to change it. */
  function setLines(place: string): [fused?: string, how?: string] {
    const set = sets.get(place);
    if (!set) return [];
    const how = switching === undefined ? undefined : advice(place, set, switching);
    return how === undefined ? [asFused(set)] : [asFused(set), how];
  }

  /** Not before the first label: while sensors are opened, the set changes with each. */
  function tellSet(place: string): void {
    if (!untold.delete(place)) return;
    const [fused, how] = setLines(place);
    stream.write(`${place} fuses ${fused ?? 'nothing'}\n${how === undefined ? '' : `${how}\n`}`);
  }

  return {
    label(place, activity, performed) {
      const before = rows.get(place) ?? { agreed: 0, compared: 0 };
      const row = {
        activity,
        performed,
        agreed: before.agreed + Number(performed === activity.activity),
        compared: before.compared + Number(performed !== undefined),
      };
      rows.set(place, row);
      if (update) return draw();
      tellSet(place);
      stream.write(`${asLine(place, row)}\n`);
    },
    modalities(place, set) {
      sets.set(place, set);
      untold.add(place);
      draw();
    },
    sensor(name, health) {
      sensors.set(name, health);
      draw();
    },
    write(line) {
      update?.clear();
      stream.write(line);
      draw();
    },
    close: () => update?.done(),
  };
}
