/** `babel-gateway record`: the bytes of all configured sensors, as they arrive, into MCAP files. */
import { createRecorder } from '../../drivers/recording/recorder.js';
import { loadConfig } from '../config.js';
import { findConfigFile } from '../config-file.js';
import type { Stages } from '../feeds.js';
import { createLogger } from '../log.js';
import { prepareSource } from '../sensor-source.js';
import { superviseSensor } from '../sensor.js';

export interface RecordOptions {
  config?: string;
  seconds?: number;
  rotateMegabytes?: number;
  rotateSeconds?: number;
}

/** Records until a signal, the time that was asked for, or a disk that takes no more. @throws Error with one line */
export async function record(target: string, options: RecordOptions): Promise<void> {
  const config = await loadConfig(findConfigFile(options.config));
  const log = createLogger(config.log.level, process.stderr.isTTY ? process.stderr : undefined);
  const ended = new AbortController();
  const end = () => ended.abort();
  process.on('SIGINT', end).on('SIGTERM', end);
  const timer = options.seconds === undefined ? undefined : setTimeout(end, options.seconds * 1000);

  const recorder = await createRecorder({
    ...where(target, options),
    onError: (problem) => {
      log.error(problem);
      process.exitCode = 1;
      end();
    },
  });
  const stops: (() => Promise<void>)[] = [];
  const stages: Stages = new Map();
  const counts = new Map<string, () => string>();
  try {
    for (const [place, { sensors }] of Object.entries(config.places))
      for (const [name, settings] of Object.entries(sensors)) {
        const source = await prepareSource(name, place, settings, stages, log);
        stops.push(() => source.close());
        const description = await source.describe();
        const sensor = superviseSensor({
          ...source.origin,
          onBytes: (bytes, arrivalTime) => recorder.write(description, bytes, arrivalTime),
          // They are decoded all the same: so it is seen whether the device speaks, and one that does not is opened anew.
          onFrames: () => undefined,
          onGone: () => undefined,
          onHealth: () => undefined,
          log,
        });
        stops.push(() => sensor.stop());
        counts.set(name, () => `${name} ${sensor.health().state}, ${sensor.health().frames} frames`);
      }
    log.info(`recording into ${recorder.file}; Ctrl-C ends it`);
    const telling = setInterval(() => {
      if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${progress(recorder.counters, counts)}`);
    }, 500);
    await new Promise<void>((resolve) => {
      if (ended.signal.aborted) resolve();
      ended.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    clearInterval(telling);
  } finally {
    clearTimeout(timer);
    await Promise.all(stops.map((stop) => stop()));
    await recorder.close();
  }
  if (process.stderr.isTTY) process.stderr.write('\n');
  const { messages, bytes, files, lostMessages } = recorder.counters;
  console.log(JSON.stringify({ file: recorder.file, files, messages, bytes, lostMessages }));
  process.off('SIGINT', end).off('SIGTERM', end);
}

function progress(
  { bytes, lostMessages }: { bytes: number; lostMessages: number },
  counts: Map<string, () => string>,
): string {
  const size = `${(bytes / 1e6).toFixed(1)} MB`;
  return [
    size,
    ...[...counts.values()].map((text) => text()),
    ...(lostMessages > 0 ? [`${lostMessages} LOST`] : []),
  ].join(' · ');
}

/** A name that ends with .mcap is one file; any other a folder, in which files follow one another. */
function where(target: string, { rotateMegabytes, rotateSeconds }: RecordOptions) {
  const rotate = {
    ...(rotateMegabytes !== undefined && { bytes: rotateMegabytes * 1e6 }),
    ...(rotateSeconds !== undefined && { seconds: rotateSeconds }),
  };
  if (!target.endsWith('.mcap')) return { directory: target, rotate };
  if (Object.keys(rotate).length > 0)
    throw new Error(`${target}: one file does not rotate; name a folder, in which files follow one another`);
  return { file: target };
}
