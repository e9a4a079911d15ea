/** The windows that the gateway makes of a sensor's frames, by its own pipeline, as if the sensor were alone at its place. */
import type { Frame } from '../../drivers/frames.js';
import type { EncoderWindow } from '../../models/towers/encoder.js';
import { createWindowGrid } from '../../pipelines/window-grid.js';
import type { Window } from '../../pipelines/window.js';
import { createSensorPipeline } from '../sensor-pipeline.js';
import { count, type PlottedSensor } from './sensor-plot.js';

export interface PlottedWindows {
  push(frame: Frame): void;
  /** No frame comes any more; before the rest. */
  end(): void;
  /** The window with the highest score, undefined: none was given out. */
  readonly best: Window | undefined;
  /** `skeleton window [2.00, 5.04) s, shape [76, 20, 4]`; of the best one. */
  title(): string;
  /** Its marks and alignment error, how many there are, and why others were refused. @param why this one is drawn */
  note(why: string): string;
  /** Why there is none. */
  readonly remarks: readonly string[];
}

/**
 * @param of seconds of a window and of a hop follow from it
 * @param score which window is drawn: the first of those with the highest
 */
export function plotWindows(
  { name, driver, settings, origin, arrivals }: PlottedSensor,
  modality: 'skeleton' | 'mmwave' | 'lidar',
  of: Omit<EncoderWindow, 'channels'>,
  score: (window: Window) => number,
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
      const now = score(part);
      if (!(now > highest)) return;
      highest = now;
      best = part;
    },
  });
  const reasons = () => Object.entries(refused).map(([reason, times]) => `${reason} ${times}`);

  return {
    push: (frame) => pipeline.push(frame),
    end: () => pipeline.end(),
    get best() {
      return best;
    },
    title() {
      const { start, end, shape } = best!;
      const ends = `[${(start - origin).toFixed(2)}, ${(end - origin).toFixed(2)}) s`.replaceAll('-', '−');
      return `${modality} window ${ends}, shape [${shape.join(', ')}]`;
    },
    note(why) {
      const { marks, alignmentError, heldSamples } = best!;
      const marked = Object.entries(marks).map(([fault, times]) => `${fault} ${times}`);
      const line = [
        marked.length > 0 ? `marks: ${marked.join(', ')} of ${samples}` : 'no marks',
        ...(heldSamples > 0 ? [`held: ${heldSamples}`] : []),
        // Without times of arrival there is nothing that the device's clock could lie off.
        arrivals ? `alignment error ${(1000 * alignmentError).toFixed(1)} ms` : 'alignment error unknown',
        `1 of ${windows} windows, ${why}`,
      ].join(' · ');
      return reasons().length > 0 ? `${line}\nwindows refused, not drawn: ${reasons().join(', ')}` : line;
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
