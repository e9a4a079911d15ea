/** One place on its way through the pipe: the frames of its sensors become windows over the same times, and those labels.
 *
 *    frames ─▶ pipeline of each sensor ─▶ the place's windows ─▶ inference ─▶ place ─▶ activity */
import type { Frame, Modality } from '../drivers/frames.js';
import { monotonicSeconds } from '../drivers/transports/transport.js';
import { Superseded } from '../models/inference.js';
import type { Inference } from '../models/inference.js';
import { ModelError } from '../models/manifest.js';
import type { Manifest } from '../models/manifest.js';
import { createPlaceWindows } from '../pipelines/place-windows.js';
import type { PlaceWindow, PlaceWindows } from '../pipelines/place-windows.js';
import { createWindowGrid } from '../pipelines/window-grid.js';
import type { WindowGrid } from '../pipelines/window-grid.js';
import type { RefusedWindow, Window } from '../pipelines/window.js';
import type { Logger } from './log.js';
import type { ActivityPolicy } from './activity-policy.js';
import { createDisagreement, remedy } from './disagreement.js';
import { createModalitySet } from './modality-set.js';
import type { WantedSet } from './modality-set.js';
import { createPlace } from './place.js';
import type { PlaceUpdate, WindowResult } from './place.js';
import { createRecentWindows } from './recent-windows.js';
import type { RecentWindow } from './recent-windows.js';
import type { SensorSource } from './sensor-source.js';
import { createSensorPipeline } from './sensor-pipeline.js';
import type { SensorPipeline } from './sensor-pipeline.js';
import type { PlaceModalities, SensorHealth } from './topics.js';

/** Seconds between looks at what no frame looks at: a device that fell silent, a part that is waited for. */
const tickPeriod = 0.1;

export interface PlacePipeOptions {
  readonly name: string;
  readonly inference: Inference;
  /** A replay runs at its own speed: windows wait for the models, and only frames tell the time. */
  readonly replayed: boolean;
  /** A label; the next one waits until the promise resolves. @param window absent: no sensor gives windows any more */
  readonly onActivity: (update: PlaceUpdate, window?: PlaceWindow) => Promise<void>;
  /** What the place fuses is another than before. */
  readonly onModalities: (modalities: PlaceModalities) => void;
  /** The set to begin with. Default: all. */
  readonly set?: WantedSet | undefined;
  readonly policy?: ActivityPolicy | undefined;
  readonly log: Logger;
}

export interface PlacePipe {
  /** Further sensors. @throws ModelError if a tower reads other windows than those of the place's, or than its pipeline gives */
  add(origins: readonly Origin[]): void;
  /** They are no longer the place's. */
  remove(sensors: readonly string[]): void;
  push(sensor: string, frames: readonly Frame[]): void;
  /** A sensor is gone: what can become a window does. */
  gone(sensor: string): void;
  /** A sensor's state is another. */
  health(sensor: string, health: Pick<SensorHealth, 'state' | 'reason'>): void;
  /** Changes what is fused from the next window on. @returns why it cannot */
  request(set: WantedSet): string | undefined;
  /** In force. */
  readonly set: WantedSet;
  /** What its sensors showed of late, the oldest first. */
  readonly recent: readonly RecentWindow[];
  /** Resolves when every window that there is has its label. */
  idle(): Promise<void>;
  stop(): void;
}

type Origin = SensorSource['origin'];

export function createPlacePipe(options: PlacePipeOptions): PlacePipe {
  const { name, inference, replayed, onActivity, onModalities, log } = options;
  const origins = new Map<string, Origin>();
  const has = (flag: 'virtual' | 'recorded') => [...origins.values()].some((origin) => origin[flag]);
  const flags = {
    get virtual() {
      return has('virtual');
    },
    get recorded() {
      return has('recorded');
    },
  };
  const place = createPlace(flags, options.policy);
  const pipelines = new Map<string, SensorPipeline>();
  const modalities = new Map<string, Modality>();
  const live = new Set<string>();
  const set = createModalitySet(name, options.set);
  const disagreement = createDisagreement();
  const recent = createRecentWindows();
  // One after the other: a window that asks no model must not overtake the one before.
  let last: Promise<unknown> = Promise.resolve();
  /** Known with the first sensor that has a tower. */
  let timed: { timing: Timing; grid: WindowGrid; windows: PlaceWindows } | undefined;

  const wanted = (modality: Modality) => set.includes(modality);

  function timeWindows(timing: Timing) {
    const grid = createWindowGrid(timing);
    return { timing, grid, windows: createPlaceWindows({ grid, modalities, wanted, onWindow }) };
  }

  function onWindow(whole: PlaceWindow): void {
    // Sensors that the set leaves out are neither fused nor absent.
    const part = <Of extends { modality: Modality }>(all: readonly Of[]) =>
      all.filter((one) => set.includes(one.modality));
    const window = { ...whole, windows: part(whole.windows), absent: part(whole.absent) };
    set.window(window);
    tellModalities();
    if (window.windows.length === 0) return;
    // Live windows are asked for at once: those that the models are too slow for must not pile up here. A replay can wait.
    const asked = replayed ? undefined : resultsOf(window);
    asked?.catch(() => undefined);
    last = last.then(() => label(window, asked)).catch(failed);
  }

  function add(origin: Origin): void {
    const { name: sensor, driver, driverSettings } = origin;
    const { modality } = driver;
    const manifest = inference.towers.get(modality)?.manifest;
    if (manifest) {
      const timing = timingOf(manifest);
      if (timed && pipelines.size > 0) sameTiming(name, timed.timing, timing);
      else timed = timeWindows(timing);
      const { grid, windows } = timed;
      const inputRate = driver.nominalRate(driverSettings);
      const onPart = (found: Window | RefusedWindow) => windows.add(found);
      pipelines.set(sensor, createSensorPipeline({ sensor, modality, manifest, inputRate, grid, onPart }));
      modalities.set(sensor, modality);
    }
    origins.set(sensor, origin);
  }

  function remove(sensor: string): void {
    pipelines.get(sensor)?.end();
    pipelines.delete(sensor);
    modalities.delete(sensor);
    origins.delete(sensor);
    health(sensor, { state: 'stopped' });
    timed?.windows.gone(sensor);
  }

  function tellSensors(): void {
    set.sensors(
      [...origins.values()].map(({ name: sensor, driver: { modality }, virtual, recorded }) => {
        return { name: sensor, modality, hasTower: inference.towers.has(modality), virtual, recorded };
      }),
    );
    tellModalities();
  }

  function health(sensor: string, { state, reason }: Pick<SensorHealth, 'state' | 'reason'>): void {
    set.sensor(sensor, state === 'live' ? undefined : (reason ?? `it is ${state}`));
    tellModalities();
    if (state === 'live') live.add(sensor);
    else if (live.delete(sensor) && live.size === 0)
      last = last.then(() => onActivity(place.absent(monotonicSeconds()))).catch(failed);
  }

  async function label(window: PlaceWindow, asked: Promise<WindowResult[]> | undefined): Promise<void> {
    const results = await (asked ?? resultsOf(window));
    if (results.length === 0) return;
    const update = place.update({ ...window, results });
    compare(window.end, update);
    await onActivity(update, window);
  }

  /** Reports who says another activity than all the others. */
  function compare(end: number, { activity: { contributions } }: PlaceUpdate): void {
    const before = disagreement.now;
    if (!disagreement.window(end, contributions)) return;
    const { now } = disagreement;
    set.disagreeing(now);
    tellModalities();
    for (const one of now) if (!before.includes(one)) log.warn(remedy(name, one));
    for (const { sensor } of before)
      if (!now.some((one) => one.sensor === sensor)) log.info(`${name}: ${sensor} agrees with the others again`);
  }

  /** A sensor whose window the models could not take is left out, and told. */
  async function resultsOf({ windows: parts }: PlaceWindow): Promise<WindowResult[]> {
    const settled = await Promise.allSettled(parts.map(resultOf));
    for (const one of settled) if (one.status === 'rejected') failed(one.reason);
    return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  }

  async function resultOf(window: Window): Promise<WindowResult> {
    const { sensor, modality, alignmentError } = window;
    const origin = origins.get(sensor);
    if (!origin) throw new Superseded(`${sensor} is no sensor of ${name} any more`);
    const { virtual, recorded } = origin;
    const result = { sensor, modality, virtual, recorded, alignmentError };
    const { start, end } = window;
    const encoder = inference.towers.get(modality)!.manifest.files.encoder.sha256;
    const remember = (embedding: RecentWindow['embedding']) =>
      recent.add({ sensor, modality, start, end, encoder, embedding });
    if (window.still) {
      remember('still');
      return { ...result, still: true };
    }
    const { probabilities, classes, loss, embedding } = await inference.classify(modality, window.data);
    remember(embedding);
    return { ...result, still: false, labels: classes, loss, probabilities };
  }

  function failed(error: unknown): void {
    if (error instanceof Superseded) log.debug(`${name}: a window came faster than the models work, and is left out`);
    else log.warn({ err: error }, `${name}: a window could not be labelled`);
  }

  function tellModalities(): void {
    const change = set.change(monotonicSeconds());
    if (change) onModalities(change);
  }

  /** Sensors whose windows have ended are waited for no longer. */
  function forgetEnded(): void {
    for (const sensor of pipelines.keys()) if (!timed?.grid.sensors.has(sensor)) timed?.windows.gone(sensor);
  }

  function tick(now: number): void {
    for (const pipeline of pipelines.values()) pipeline.tick(now);
    forgetEnded();
    timed?.windows.advance(now);
  }
  // After a time in which this process stood still, timers come before the bytes that arrived meanwhile; those must not be called late.
  let due: NodeJS.Immediate | undefined;
  const tickAfterInput = () => (due = setImmediate(() => tick(monotonicSeconds())));
  const ticking = replayed ? undefined : setInterval(tickAfterInput, tickPeriod * 1000);

  return {
    add(more) {
      more.forEach(add);
      tellSensors();
    },
    remove(sensors) {
      sensors.forEach(remove);
      tellSensors();
    },
    push(sensor, frames) {
      const pipeline = pipelines.get(sensor);
      if (!pipeline) return;
      for (const frame of frames) {
        pipeline.push(frame);
        if (replayed) tick(frame.arrivalTime);
      }
    },
    gone(sensor) {
      pipelines.get(sensor)?.end();
      forgetEnded();
    },
    health,
    request(wanted) {
      const problem = set.request(wanted);
      tellModalities();
      return problem;
    },
    get set() {
      return set.wanted;
    },
    recent: recent.all,
    async idle() {
      await last;
    },
    stop() {
      clearInterval(ticking);
      clearImmediate(due);
      timed?.windows.end();
    },
  };
}

/** When a tower's windows are, seconds. */
interface Timing {
  readonly length: number;
  readonly hop: number;
  readonly tower: string;
}

function timingOf({ name, window: { rate, samples, hop } }: Manifest): Timing {
  return { length: samples / rate, hop: hop / rate, tower: name };
}

/** @throws ModelError if not */
function sameTiming(place: string, one: Timing, other: Timing): void {
  const differs = (a: number, b: number) => Math.abs(a - b) > 1e-9;
  if (differs(one.length, other.length) || differs(one.hop, other.hop))
    throw new ModelError(
      `${place}: the tower '${other.tower}' reads windows of ${other.length} s every ${other.hop} s, '${one.tower}' of ${one.length} s every ${one.hop} s; ` +
        'what one place fuses must cover the same times: use towers of the same window, or put the sensors into two places',
    );
}
