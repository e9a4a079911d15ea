/** One place on its way through the pipe: the frames of its sensors become windows over the same times, and those labels.
 *
 *    frames ─▶ pipeline of each sensor ─▶ the place's windows ─▶ inference ─▶ place ─▶ activity */
import type { Frame, Modality } from '../drivers/frames.js';
import { monotonicSeconds } from '../drivers/transports/transport.js';
import { Superseded } from '../models/inference.js';
import type { Inference } from '../models/inference.js';
import { createPlaceWindows } from '../pipelines/place-windows.js';
import type { PlaceWindow } from '../pipelines/place-windows.js';
import { createWindowGrid } from '../pipelines/window-grid.js';
import type { Window } from '../pipelines/window.js';
import type { Logger } from './log.js';
import { createModalitySet } from './modality-set.js';
import type { WantedSet } from './modality-set.js';
import { createPlace } from './place.js';
import type { PlaceUpdate, WindowResult } from './place.js';
import type { SensorSource } from './sensor-source.js';
import { createSensorPipeline } from './sensor-pipeline.js';
import type { SensorPipeline } from './sensor-pipeline.js';
import type { PlaceModalities, SensorHealth } from './topics.js';

/** Seconds between looks at what no frame looks at: a device that fell silent, a part that is waited for. */
const tickPeriod = 0.1;

export interface PlacePipeOptions {
  readonly name: string;
  readonly sources: readonly SensorSource[];
  readonly inference: Inference;
  /** A replay runs at its own speed: windows wait for the models, and only frames tell the time. */
  readonly replayed: boolean;
  /** A label; the next one waits until the promise resolves. @param window absent: no sensor gives windows any more */
  readonly onActivity: (update: PlaceUpdate, window?: PlaceWindow) => Promise<void>;
  /** What the place fuses is another than before. */
  readonly onModalities: (modalities: PlaceModalities) => void;
  /** The set to begin with. Default: all. */
  readonly set?: WantedSet | undefined;
  readonly log: Logger;
}

export interface PlacePipe {
  push(sensor: string, frames: readonly Frame[]): void;
  /** A sensor is gone: what can become a window does. */
  gone(sensor: string): void;
  /** A sensor's state is another. */
  health(sensor: string, health: Pick<SensorHealth, 'state' | 'reason'>): void;
  /** Changes what is fused from the next window on. @returns why it cannot */
  request(set: WantedSet): string | undefined;
  /** In force. */
  readonly set: WantedSet;
  /** Resolves when every window that there is has its label. */
  idle(): Promise<void>;
  stop(): void;
}

/** @throws Error with one line if towers of the place read windows of different lengths */
export function createPlacePipe(options: PlacePipeOptions): PlacePipe {
  const { name, sources, inference, replayed, onActivity, onModalities, log } = options;
  const origins = new Map(sources.map(({ origin }) => [origin.name, origin]));
  const has = (flag: 'virtual' | 'recorded') => sources.some(({ origin }) => origin[flag]);
  const place = createPlace({ virtual: has('virtual'), recorded: has('recorded') });
  const pipelines = new Map<string, SensorPipeline>();
  const modalities = new Map<string, Modality>();
  const live = new Set<string>();
  const set = createModalitySet(
    name,
    sources.map(({ origin }) => ({
      name: origin.name,
      modality: origin.driver.modality,
      hasTower: inference.towers.has(origin.driver.modality),
    })),
    options.set,
  );
  // One after the other: a window that asks no model must not overtake the one before.
  let last: Promise<unknown> = Promise.resolve();
  const grid = createWindowGrid(commonTiming(name, sources, inference));

  const windows = createPlaceWindows({
    grid,
    modalities,
    onWindow(whole) {
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
    },
  });

  for (const { origin } of sources) {
    const tower = inference.towers.get(origin.driver.modality);
    if (!tower) continue;
    modalities.set(origin.name, origin.driver.modality);
    const pipeline = createSensorPipeline({
      sensor: origin.name,
      modality: origin.driver.modality,
      manifest: tower.manifest,
      inputRate: origin.driver.nominalRate(origin.driverSettings),
      grid,
      onPart: (part) => windows.add(part),
    });
    pipelines.set(origin.name, pipeline);
  }

  async function label(window: PlaceWindow, asked: Promise<WindowResult[]> | undefined): Promise<void> {
    const results = await (asked ?? resultsOf(window));
    if (results.length > 0) await onActivity(place.update({ ...window, results }), window);
  }

  /** A sensor whose window the models could not take is left out, and told. */
  async function resultsOf({ windows: parts }: PlaceWindow): Promise<WindowResult[]> {
    const settled = await Promise.allSettled(parts.map(resultOf));
    for (const one of settled) if (one.status === 'rejected') failed(one.reason);
    return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  }

  async function resultOf(window: Window): Promise<WindowResult> {
    const { sensor, modality, alignmentError } = window;
    const { virtual, recorded } = origins.get(sensor)!;
    const result = { sensor, modality, virtual, recorded, alignmentError };
    if (window.still) return { ...result, still: true };
    const { probabilities } = await inference.classify(modality, window.data);
    return { ...result, still: false, labels: inference.towers.get(modality)!.manifest.classes, probabilities };
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
    for (const sensor of pipelines.keys()) if (!grid.sensors.has(sensor)) windows.gone(sensor);
  }

  function tick(now: number): void {
    for (const pipeline of pipelines.values()) pipeline.tick(now);
    forgetEnded();
    windows.advance(now);
  }
  const ticking = replayed ? undefined : setInterval(() => tick(monotonicSeconds()), tickPeriod * 1000);

  return {
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
    health(sensor, { state, reason }) {
      set.sensor(sensor, state === 'live' ? undefined : (reason ?? `it is ${state}`));
      tellModalities();
      if (state === 'live') live.add(sensor);
      else if (live.delete(sensor) && live.size === 0)
        last = last.then(() => onActivity(place.absent(monotonicSeconds()))).catch(failed);
    },
    request(wanted) {
      const problem = set.request(wanted);
      tellModalities();
      return problem;
    },
    get set() {
      return set.wanted;
    },
    async idle() {
      await last;
    },
    stop() {
      clearInterval(ticking);
      windows.end();
    },
  };
}

/** Length and hop of the windows, seconds, that all towers of the place read; of no tower: any. */
function commonTiming(place: string, sources: readonly SensorSource[], inference: Inference) {
  let found: { length: number; hop: number; tower: string } | undefined;
  for (const { origin } of sources) {
    const manifest = inference.towers.get(origin.driver.modality)?.manifest;
    if (!manifest) continue;
    const { rate, samples, hop } = manifest.window;
    const timing = { length: samples / rate, hop: hop / rate, tower: manifest.name };
    found ??= timing;
    const differs = (a: number, b: number) => Math.abs(a - b) > 1e-9;
    if (differs(timing.length, found.length) || differs(timing.hop, found.hop))
      throw new Error(
        `${place}: the tower '${timing.tower}' reads windows of ${timing.length} s every ${timing.hop} s, '${found.tower}' of ${found.length} s every ${found.hop} s; ` +
          'what one place fuses must cover the same times: use towers of the same window, or put the sensors into two places',
      );
  }
  return found ?? { length: 1, hop: 1 };
}
