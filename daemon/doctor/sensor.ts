/** One sensor, opened and listened to as the gateway does it. */
import { pino } from 'pino';
import { findDriver } from '../../drivers/registry.js';
import type { SensorConfig } from '../config.js';
import { prepareSource } from '../sensor-source.js';
import type { SensorSource } from '../sensor-source.js';
import { superviseSensor } from '../sensor.js';
import type { SensorHealth } from '../topics.js';
import { note, ok, problem, within } from './finding.js';
import type { Finding } from './finding.js';
import { publisherState, requirements, waitsForSender } from './requirements.js';

const silent = pino({ level: 'silent' });
/** Seconds that a device is listened to from its first frame on. */
const listening = 3;
/** Seconds: the longest silence that is waited for, unless the device sends more seldom still. */
const longestSilence = 10;
/** Seconds for opening, starting and hearing a device, altogether. */
const patience = 60;
/** Share by which frames may come faster or slower than the settings say. */
const tolerance = 0.25;

/** Never throws, and takes a minute at most. @param about for instance `sensor wrist` */
export async function examineSensor(name: string, place: string, config: SensorConfig): Promise<Finding[]> {
  const about = `sensor ${name}`;
  const findings: Finding[] = [];
  try {
    for await (const finding of requirements(about, config)) findings.push(finding);
    // The device could not be opened, for the same reason.
    if (findings.some(({ state }) => state === 'problem')) return findings;
    const source = await within(
      patience,
      'what it plays could not be read',
      prepareSource(name, place, hurried(config), new Map(), silent),
    );
    try {
      for await (const finding of listen(about, source, config)) findings.push(finding);
    } finally {
      await source.close();
    }
  } catch (error) {
    findings.push(problem(about, error));
  }
  return findings;
}

/** A file need not be waited for. */
function hurried(config: SensorConfig): SensorConfig {
  const { transport } = config;
  const file = transport?.type === 'recording' || (transport?.type === 'pcap' && transport.file !== undefined);
  return file ? { ...config, transport: { ...transport, speed: 'fastest' } } : config;
}

interface Heard {
  frames: number;
  first: number;
  last: number;
}

async function* listen(about: string, { origin, feed }: SensorSource, config: SensorConfig): AsyncGenerator<Finding> {
  const driver = findDriver(config.driver)!;
  const warnings: string[] = [];
  const heard: Heard = { frames: 0, first: 0, last: 0 };
  let isLive: () => void = () => undefined;
  const live = new Promise<void>((resolve) => (isLive = resolve));
  const sensor = superviseSensor({
    ...origin,
    once: true,
    silenceTimeout: Math.min(config.silenceTimeout, longestSilence),
    // A device that is stopped needs its time.
    patience: { open: 15, close: 5 },
    openTransport: (handlers) => origin.openTransport({ ...handlers, onWarning: (warning) => warnings.push(warning) }),
    onFrames: (frames) => {
      const { arrivalTime } = frames.at(-1)!;
      if (heard.frames === 0) heard.first = arrivalTime;
      // What came with the first arrival says nothing of the rate.
      heard.frames += heard.frames === 0 ? 1 : frames.length;
      heard.last = arrivalTime;
      isLive();
    },
    onGone: () => undefined,
    onHealth: () => undefined,
    log: silent,
  });
  await within(patience, '', Promise.race([live, sensor.ended])).catch(() => undefined);
  if (heard.frames > 0 && (feed !== undefined || !origin.recorded))
    await within(listening, '', sensor.ended).catch(() => undefined);
  const health = sensor.health();
  await sensor.stop();
  for (const warning of warnings) yield note(about, warning);
  yield await verdict(about, config, driver.title, health, feed !== undefined);
  if (heard.frames > 0 && !origin.recorded && !origin.virtual)
    yield* rate(about, heard, driver.nominalRate(config.settings));
}

async function verdict(
  about: string,
  { transport, feed }: SensorConfig,
  title: string,
  { state, reason, frames, bytes, skippedBytes, failures, virtual, recorded }: SensorHealth,
  isPlayed: boolean,
): Promise<Finding> {
  const told = Object.entries({ skippedBytes, ...failures }).filter(([, count]) => count > 0);
  const counts = told.length === 0 ? '' : ` (${told.map(([kind, count]) => `${kind} ${count}`).join(', ')})`;
  if (frames > 0) {
    if (virtual) return note(about, `VIRTUAL: a simulation, not a measurement; ${title}${counts}`);
    if (isPlayed && feed?.kind === 'utd-mhad') return note(about, `RECORDING: ${feed.data} is played again${counts}`);
    if (recorded) return note(about, `RECORDING: a file is played again; ${title}, frames come out of it${counts}`);
    return ok(about, `${title}: ${frames} ${frames === 1 ? 'frame' : 'frames'} came while it was listened to${counts}`);
  }
  if (state === 'connecting') return problem(about, `it neither opened nor failed within ${patience} s`);
  const text = `${reason ?? 'no frame came'}${counts}`;
  if (bytes > 0 || state !== 'silent' || !transport || !waitsForSender(transport)) return problem(about, text);
  return note(about, transport.type === 'zmq' ? `open; ${await publisherState(transport)}` : text);
}

function* rate(about: string, { frames, first, last }: Heard, nominal: number): Generator<Finding> {
  // Fewer frames, or frames that came in one go, tell nothing.
  if (frames < 5 || last - first < 1) return;
  const measured = (frames - 1) / (last - first);
  if (Math.abs(measured / nominal - 1) > tolerance)
    yield note(
      about,
      `${measured.toFixed(1)} frames a second come, and its settings say ${nominal}: set one or the other`,
    );
}
