/**
 * The modality set of a place and its towers are changed again and again while three sensors run at full rates: is every window
 * published exactly once, does any come late, and does the memory stay?
 *
 *     start ─ pause ── warm-up ─ pause ── changes and exchanges, evenly spread ── all as before ─ pause
 *                  │                 │                                                            │
 *          megabytesAtStart   megabytesBefore              memoryGrowthMb = megabytesAfter − megabytesBefore
 */
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { manifestName, shippedTowerDirectory } from '../models/store.js';
import { asking } from './asking.js';
import type { Asking } from './asking.js';
import { frameRates } from './frame-rates.js';
import { runGateway } from './gateway-process.js';
import type { GatewayProcess } from './gateway-process.js';
import { isOf, placeLabels } from './place-labels.js';
import { startThreeDevices, threeModalities, virtualDevices } from './three-devices.js';
import type { ThreeModality } from './three-devices.js';
import { countWindows } from './window-count.js';

const gatewayName = 'hotswap';
const place = 'room';
/** In ten minutes. */
const [changesWanted, exchangesWanted, wholeSeconds] = [200, 20, 600];
/** Seconds until all three sensors are fused: the camera learns the room first. */
const longestStart = 90;
/** Exchanges and changes before those that count; even, so that the shipped towers are back. */
const warmUp = 30;
/** Seconds before memory is read, and for how long it then is; the least counts, since what is above it is garbage that waits. */
const [settling, reading] = [15, 20];

/** Every non-empty set, each another than the one before. */
const sets: readonly (readonly ThreeModality[])[] = [
  ['imu'],
  ['skeleton', 'depth'],
  ['skeleton'],
  ['imu', 'depth'],
  ['depth'],
  ['imu', 'skeleton'],
  ['imu', 'skeleton', 'depth'],
];

const copyOf = (modality: ThreeModality) => `${modality}-copy`;

/** Puts the shipped towers into the gateway's model store once more, under other names. */
async function copyTowers(dataDirectory: string): Promise<void> {
  for (const modality of threeModalities) {
    const to = join(dataDirectory, 'models', copyOf(modality));
    await cp(shippedTowerDirectory(modality), to, { recursive: true });
    const file = join(to, manifestName);
    const manifest = JSON.parse(await readFile(file, 'utf8')) as object;
    await writeFile(file, JSON.stringify({ ...manifest, name: copyOf(modality) }));
  }
}

/** Takes the copy of a tower into use, or the tower before it. @returns why not */
async function exchange(ask: Asking, number: number): Promise<string | undefined> {
  const modality = threeModalities[(number >> 1) % threeModalities.length]!;
  const isBack = number % 2 === 1;
  const { status, reason, active } = await ask.model(
    isBack ? { action: 'rollback', modality } : { action: 'activate', model: copyOf(modality) },
  );
  if (status === 'error') return reason ?? 'no reason given';
  const isCopy = active?.[modality] === copyOf(modality);
  return isCopy === isBack ? `the answer tells that ${active?.[modality]} is in use` : undefined;
}

/** @returns why not */
async function change(ask: Asking, number: number): Promise<string | undefined> {
  const { status, reason } = await ask.modalities(place, sets[number % sets.length]!);
  return status === 'error' ? (reason ?? 'no reason given') : undefined;
}

async function memory(gateway: GatewayProcess): Promise<number> {
  await wait(settling * 1000);
  const found: number[] = [];
  for (let k = 0; k < 4 * reading; k++) {
    found.push(await gateway.residentMegabytes());
    await wait(250);
  }
  return Number(Math.min(...found).toFixed(1));
}

export async function hotswap({ json, seconds }: { json: boolean; seconds: number }): Promise<void> {
  const devices = await startThreeDevices();
  let gateway: GatewayProcess | undefined;
  try {
    gateway = await runGateway(gatewayName, { [place]: { sensors: devices.sensors } });
    const result = await measure(gateway, devices.hop, seconds, (text) => {
      if (!json && process.stderr.isTTY) process.stderr.write(`${text}\n`);
    });
    console.log(json ? JSON.stringify(result) : result);
  } finally {
    await gateway?.stop();
    await devices.close();
  }
}

async function measure(gateway: GatewayProcess, hop: number, seconds: number, tell: (text: string) => void) {
  await copyTowers(gateway.dataDirectory);
  const labels = await placeLabels(gateway.client, gatewayName, place);
  const ask = await asking(gateway.client, gatewayName);
  const frames = await frameRates(gateway.client, gatewayName);
  const all = [...threeModalities];

  tell('waiting for the sensors');
  await labels.next((label) => isOf(label, all), longestStart, 'of all three sensors');
  tell('reading the memory');
  const megabytesAtStart = await memory(gateway);
  // The first of everything fills caches and compiles.
  for (let k = 0; k < warmUp; k++) {
    await exchange(ask, k);
    await change(ask, k);
  }
  await ask.modalities(place, all);
  tell('reading the memory');
  const megabytesBefore = await memory(gateway);

  const changes = Math.max(1, Math.round((changesWanted * seconds) / wholeSeconds));
  const exchanges = Math.max(1, Math.round((exchangesWanted * seconds) / wholeSeconds));
  tell(`${changes} changes of the set and ${exchanges} exchanges of a tower in ${seconds} s`);
  const from = labels.all.length;
  frames.begin();
  const interruptionsBefore = labels.interruptions;
  const begin = performance.now();
  const refusals: string[] = [];
  /** Each at its time, whenever the answers to those before came. */
  async function spread(count: number, act: (ask: Asking, k: number) => Promise<string | undefined>): Promise<void> {
    const answers: Promise<void>[] = [];
    for (let k = 0; k < count; k++) {
      await wait(Math.max(0, begin + ((k + 0.5) * 1000 * seconds) / count - performance.now()));
      answers.push(
        act(ask, k)
          .catch((error: unknown) => (error as Error).message)
          .then((reason) => {
            if (reason !== undefined) refusals.push(reason);
          }),
      );
    }
    await Promise.all(answers);
  }
  await Promise.all([spread(changes, change), spread(exchanges, exchange)]);
  await wait(Math.max(0, begin + 1000 * seconds - performance.now()));
  const took = (performance.now() - begin) / 1000;
  const published = labels.all.slice(from);
  const framesASecond = frames.rates();
  const counted = countWindows(published, hop);

  // As it was before: all sensors, the shipped towers.
  await ask.modalities(place, all);
  if (exchanges % 2 === 1) await exchange(ask, exchanges);
  tell('reading the memory');
  const megabytesAfter = await memory(gateway);

  return {
    bench: 'hotswap',
    devices: virtualDevices,
    ...counted,
    memoryGrowthMb: Number((megabytesAfter - megabytesBefore).toFixed(1)),
    ...{ megabytesAtStart, megabytesBefore, megabytesAfter },
    ...{ changes, exchanges, refused: refusals.length },
    ...(refusals.length > 0 && { refusals: [...new Set(refusals)].slice(0, 5) }),
    interruptions: labels.interruptions - interruptionsBefore,
    partial: published.filter(({ message }) => message.absent.length > 0).length,
    seconds: Number(took.toFixed(1)),
    framesASecond,
  };
}
