/** Which kinds of sensor a place fuses: what was asked for, what is there, and why the rest is not. Pure logic. */
import type { Modality } from '../drivers/frames.js';
import type { AbsentSensor, PlaceWindow } from '../pipelines/place-windows.js';
import type { Disagreeing } from './disagreement.js';
import { isoTime } from './time.js';
import type { PlaceModalities } from './topics.js';

export type WantedSet = PlaceModalities['set'];

export interface PlaceSensor {
  readonly name: string;
  readonly modality: Modality;
  /** Whether a tower reads its windows. */
  readonly hasTower: boolean;
  readonly virtual: boolean;
  readonly recorded: boolean;
}

export interface ModalitySet {
  readonly wanted: WantedSet;
  includes(modality: Modality): boolean;
  /** The place has these sensors now. */
  sensors(now: readonly PlaceSensor[]): void;
  /** @returns why it cannot be; undefined: it is in force from the next window on */
  request(set: WantedSet): string | undefined;
  /** A sensor's state is another. @param reason why it gives no frames; undefined: it gives them */
  sensor(name: string, reason: string | undefined): void;
  /** A window of the place came. */
  window(window: Pick<PlaceWindow, 'windows' | 'absent'>): void;
  /** These sensors say another activity than all the others. */
  disagreeing(sensors: readonly Disagreeing[]): void;
  /** What holds now, where it is another than when it was last asked, else undefined. @param now seconds, monotonic */
  change(now: number): PlaceModalities | undefined;
}

const words: Readonly<Record<AbsentSensor['reason'], string>> = {
  absent: 'it gives too few frames',
  constant: 'it repeats the same values: the device hangs',
  clipped: 'its values are at the end of their scale',
  notANumber: 'its values are no numbers',
  settingsChanged: "the device's settings changed",
  clockSet: "the device's clock was set: its windows begin anew",
  calibrating: 'it still learns what the empty room looks like',
  nobody: 'it sees nobody',
  late: 'its data comes too late',
};

export function createModalitySet(place: string, wanted: WantedSet = 'all'): ModalitySet {
  let sensors: readonly PlaceSensor[] = [];
  /** Why a sensor gives no frames; undefined: it gives them. */
  const silent = new Map<string, string | undefined>();
  /** Why its newest window was left out. */
  const faulty = new Map<string, AbsentSensor['reason']>();
  let fused = new Set<Modality>();
  let alone: readonly Disagreeing[] = [];
  let current = wanted;
  let told = '';

  const includes = (modality: Modality) => current === 'all' || current.includes(modality);

  function reasonOf(modality: Modality): string | undefined {
    if (!includes(modality)) return 'the set in force does not name it';
    const own = sensors.filter((sensor) => sensor.modality === modality);
    if (own.length === 0) return `no sensor of ${place} is of this kind`;
    if (!own.some(({ hasTower }) => hasTower))
      return 'there is no tower for it: models.towers in the configuration names one';
    const reasons = own.map(({ name }) => {
      const fault = faulty.get(name);
      return [name, silent.get(name) ?? (fault && words[fault])] as const;
    });
    if (fused.has(modality) && reasons.some(([, reason]) => reason === undefined)) return undefined;
    return reasons.map(([name, reason]) => `${name}: ${reason ?? 'no whole window of it is there yet'}`).join('; ');
  }

  return {
    get wanted() {
      return current;
    },
    includes,

    sensors(now) {
      sensors = now;
      for (const { name } of now) if (!silent.has(name)) silent.set(name, 'it has given no frames yet');
      for (const name of [...silent.keys()]) if (!now.some((one) => one.name === name)) silent.delete(name);
    },

    request(set) {
      if (set !== 'all') {
        const missing = set.filter((modality) => !sensors.some((one) => one.modality === modality && one.hasTower));
        if (missing.length === set.length) {
          const there = [...new Set(sensors.filter(({ hasTower }) => hasTower).map(({ modality }) => modality))];
          return `${place} has no sensor with a tower for ${missing.join(', ')}; it has ${there.join(', ') || 'none at all'}`;
        }
      }
      current = set === 'all' ? 'all' : [...new Set(set)];
      return undefined;
    },

    sensor: (name, reason) => void silent.set(name, reason),

    window({ windows, absent }) {
      fused = new Set(windows.map(({ modality }) => modality));
      for (const { sensor } of windows) faulty.delete(sensor);
      for (const { sensor, reason } of absent) faulty.set(sensor, reason);
    },

    disagreeing: (found) => void (alone = found),

    change(now) {
      const known = sensors.map(({ modality }) => modality);
      const all = [...new Set([...known, ...(current === 'all' ? [] : current)])];
      const absent = all.flatMap((modality) => {
        const reason = reasonOf(modality);
        return reason === undefined ? [] : [{ modality, reason }];
      });
      const state = {
        set: current,
        fused: all.filter((one) => !absent.some(({ modality }) => modality === one)),
        absent,
        disagreeing: alone
          .filter(({ sensor }) => sensors.some(({ name }) => name === sensor))
          .map(({ sensor, modality, since, share, mutual }) => {
            return { sensor, modality, since: isoTime(since), share, mutual };
          }),
        virtual: sensors.some(({ virtual }) => virtual),
        recorded: sensors.some(({ recorded }) => recorded),
      };
      const text = JSON.stringify(state);
      if (text === told) return undefined;
      told = text;
      return { ...state, since: isoTime(now) };
    },
  };
}
