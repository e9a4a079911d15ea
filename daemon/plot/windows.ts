/** The windows that the gateway makes of a sensor's frames, by its own pipeline, as if the sensor were alone at its place. */
import type { Frame } from '../../drivers/frames.js';
import type { EncoderWindow } from '../../models/towers/encoder.js';
import { createWindowGrid } from '../../pipelines/window-grid.js';
import type { Window } from '../../pipelines/window.js';
import { createSensorPipeline } from '../sensor-pipeline.js';
import { count, type Drawing, type PlottedSensor } from './sensor-plot.js';

export interface PlottedWindows {
  push(frame: Frame): void;
  /** No frame comes any more. @returns the picture of one window; none where none was given out */
  drawings(): Drawing[];
  /** Why there is none; after `drawings`. */
  readonly remarks: readonly string[];
}

/** Which window is drawn, and how. */
export interface WindowDrawing {
  /** The first of the windows with the highest is drawn. */
  score(window: Window): number;
  /** Why this one. */
  why(window: Window): string;
  /** @returns the bytes of a PNG file */
  draw(text: Parameters<Drawing['draw']>[0], window: Window): Promise<Uint8Array>;
}

/** @param of seconds of a window and of a hop follow from it */
export function plotWindows(
  { name, driver, settings, origin, arrivals }: PlottedSensor,
  modality: 'skeleton' | 'mmwave' | 'lidar',
  of: Omit<EncoderWindow, 'channels'>,
  drawing: WindowDrawing,
): PlottedWindows {
  const { rate, samples, hop, instant } = of;
  const refused: Record<string, number> = {};
  let best: Window | undefined;
  let highest = -Infinity;
  let windows = 0;
  const pipeline = createSensorPipeline({
    sensor: name,
    modality,
    manifest: { name: modality, window: { rate, samples, hop, channels: ['…'], shape: [...instant] } },
    inputRate: driver.nominalRate(settings),
    grid: createWindowGrid({ length: samples / rate, hop: hop / rate }),
    onPart(part) {
      if ('reason' in part) {
        count(refused, part.reason);
        return;
      }
      windows++;
      const now = drawing.score(part);
      if (!(now > highest)) return;
      highest = now;
      best = part;
    },
  });
  const reasons = () => Object.entries(refused).map(([reason, times]) => `${reason} ${times}`);

  /** `skeleton window [2.00, 5.04) s, shape [76, 20, 4]` */
  function titleOf({ start, end, shape }: Window): string {
    const ends = `[${(start - origin).toFixed(2)}, ${(end - origin).toFixed(2)}) s`.replaceAll('-', '−');
    return `${modality} window ${ends}, shape [${shape.join(', ')}]`;
  }

  /** Its marks and alignment error, how many there are, and why others were refused. */
  function noteOf(window: Window): string {
    const { marks, alignmentError, heldSamples } = window;
    const marked = Object.entries(marks).map(([fault, times]) => `${fault} ${times}`);
    const line = [
      marked.length > 0 ? `marks: ${marked.join(', ')} of ${samples}` : 'no marks',
      ...(heldSamples > 0 ? [`held: ${heldSamples}`] : []),
      // Without times of arrival there is nothing that the device's clock could lie off.
      arrivals ? `alignment error ${(1000 * alignmentError).toFixed(1)} ms` : 'alignment error unknown',
      `1 of ${windows} windows, ${drawing.why(window)}`,
    ].join(' · ');
    return reasons().length > 0 ? `${line}\nwindows refused, not drawn: ${reasons().join(', ')}` : line;
  }

  return {
    push: (frame) => pipeline.push(frame),
    drawings() {
      pipeline.end();
      const window = best;
      if (window === undefined) return [];
      const draw: Drawing['draw'] = (text) => drawing.draw(text, window);
      return [{ what: 'window', title: titleOf(window), note: noteOf(window), draw }];
    },
    get remarks() {
      if (windows > 0) return [];
      const length = `${(samples / rate).toFixed(2)} s`;
      return [
        reasons().length > 0
          ? `no window drawn: all were refused: ${reasons().join(', ')}`
          : `no window: the frames do not last ${length}`,
      ];
    },
  };
}
