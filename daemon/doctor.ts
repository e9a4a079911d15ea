/** What is missing on this machine for a configuration, each thing tried for real, each with its remedy. */
import { existsSync } from 'node:fs';
import { access, constants, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import mqtt from 'mqtt';
import { pino } from 'pino';
import type { DecoderCounters } from '../drivers/driver.js';
import { findDriver } from '../drivers/registry.js';
import { openTransport } from '../drivers/transports/registry.js';
import { startInference } from '../models/inference.js';
import { loadTower } from '../models/store.js';
import { startBroker } from './broker.js';
import { allSensors } from './config.js';
import type { Config, SensorConfig } from './config.js';
import { readDriverFiles } from './driver-files.js';
import { feedRecordings } from './feeds.js';
import { requiredNodeVersion } from './package-root.js';
import { towerDirectories } from './towers.js';

export interface Finding {
  /** What was looked at, for instance `sensor wrist`. */
  readonly about: string;
  /** `note`: it works, and there is something to know. */
  readonly state: 'ok' | 'note' | 'problem';
  /** What was found; for a problem, with what to do. */
  readonly text: string;
}

const silent = pino({ level: 'silent' });
const brokerPatience = 5; // seconds
/** Seconds that a device is listened to. */
const listening = 3;

const ok = (about: string, text: string): Finding => ({ about, state: 'ok', text });
const note = (about: string, text: string): Finding => ({ about, state: 'note', text });
const problem = (about: string, error: unknown): Finding => ({
  about,
  state: 'problem',
  text: error instanceof Error ? error.message : String(error),
});

/** Looks at one thing after the other and gives each finding as soon as it is there. Throws nothing. */
export async function* examine(config: Config): AsyncGenerator<Finding> {
  yield nodeVersion();
  yield await dataDirectory(config);
  if (existsSync('/run/systemd/system')) yield serviceManager();
  yield await broker(config);
  yield* models(config);
  for (const { name, sensor } of allSensors(config)) yield await device(`sensor ${name}`, sensor);
}

function nodeVersion(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const required = requiredNodeVersion();
  const [neededMajor = 0, neededMinor = 0] = required.split('.').map(Number);
  const fits = major > neededMajor || (major === neededMajor && minor >= neededMinor);
  return fits
    ? ok('Node.js', process.versions.node)
    : problem('Node.js', `${process.versions.node} is too old: install ${required} or newer`);
}

async function dataDirectory({ dataDirectory: folder }: Config): Promise<Finding> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
    return ok('data directory', folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return problem(
      'data directory',
      `${folder} cannot be written (${code ?? String(error)}): make it this user's, or set dataDirectory to another folder`,
    );
  }
}

function serviceManager(): Finding {
  const found = (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, 'systemd-notify')));
  return found
    ? ok('systemd', 'systemd-notify is there')
    : note('systemd', 'systemd-notify is missing; to run as a service: sudo apt install systemd');
}

async function broker({ mqtt: { broker: url, host, port, username, password } }: Config): Promise<Finding> {
  const about = 'MQTT broker';
  if (url === 'embedded') {
    try {
      const started = await startBroker({ host, port, log: silent });
      await started.close();
      return ok(about, `embedded; port ${port} is free`);
    } catch (error) {
      return problem(about, `${(error as Error).message} (if the gateway runs now, it is the one that uses it)`);
    }
  }
  const client = mqtt.connect(url, {
    reconnectPeriod: 0,
    connectTimeout: brokerPatience * 1000,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
  });
  try {
    await new Promise<void>((resolve, reject) => {
      client.once('connect', () => resolve());
      client.once('error', reject);
      client.once('close', () => reject(new Error('it closed the connection, or did not answer')));
    });
    return ok(about, `${url} answers`);
  } catch (error) {
    const reason =
      error instanceof Error && error.message !== '' ? error.message : String((error as { code?: string }).code);
    return problem(about, `${url}: ${reason}. Does it run, are address, user name and password right?`);
  } finally {
    await client.endAsync(true);
  }
}

async function* models(config: Config): AsyncGenerator<Finding> {
  const { providers, threads } = config.models;
  for (const [modality, directory] of towerDirectories(config)) {
    const about = `tower for ${modality}`;
    try {
      const tower = await loadTower(directory);
      const inference = await startInference({ towers: [tower], providers, threads, log: silent });
      const { provider, passedOver } = inference.towers.get(modality)!;
      await inference.close();
      yield ok(about, `${tower.manifest.name} runs on ${provider}`);
      for (const { provider: other, reason } of passedOver) yield note(about, `not on ${other}: ${reason}`);
    } catch (error) {
      yield problem(about, error);
    }
  }
}

/** Opens the device as the gateway would, and listens to it for a while. */
async function device(
  about: string,
  { driver: name, transport, feed, settings, silenceTimeout }: SensorConfig,
): Promise<Finding> {
  if (feed?.kind === 'virtual-wrist') return note(about, 'VIRTUAL: a simulation that the gateway itself plays');
  if (feed) {
    try {
      const { recordings } = await feedRecordings(name, feed);
      return note(about, `RECORDING: ${recordings.length} recordings of ${feed.data} are played again`);
    } catch (error) {
      return problem(about, error);
    }
  }
  const driver = findDriver(name)!;
  let ended: string | undefined;
  let counters: DecoderCounters;
  try {
    const decoder = driver.decoder(settings, await readDriverFiles(driver, settings));
    counters = decoder.counters;
    const connection = await openTransport(
      transport!,
      { onBytes: (bytes, arrivalTime) => void decoder.push(bytes, arrivalTime), onClose: (reason) => (ended = reason) },
      driver.transports,
    );
    await sleep(1000 * Math.max(listening, silenceTimeout, 3 / driver.nominalRate(settings)));
    await connection.close();
  } catch (error) {
    return problem(about, error);
  }
  const { frames, bytes } = counters;
  if (frames > 0) return ok(about, `${driver.title}: ${frames} frames came while it was listened to`);
  if (ended !== undefined) return problem(about, ended);
  return problem(
    about,
    bytes === 0
      ? 'it is open, but sends nothing: is the device switched on and connected?'
      : `${bytes} bytes came, none a valid ${name} frame: is it that device${driver.transports.serial ? ', and the baud rate right' : ''}?`,
  );
}
