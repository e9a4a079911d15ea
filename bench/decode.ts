/**
 * How fast each driver decodes what its device sends, on one core, and what it allocates.
 *
 * Time is the processor time of the whole process, with the garbage collector's threads: what other programs do on the machine
 * meanwhile takes none of it. Each figure is the median of several rounds, each with a new decoder.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../daemon/package-root.js';
import type { Decoder, Driver } from '../drivers/driver.js';
import { drivers, findDriver } from '../drivers/registry.js';
import { bytesAllocated } from './allocation.js';
import { foxgloveTurns } from './foxglove.js';
import { inputs, type Input } from './inputs.js';
import { percentile, processorSeconds } from './statistics.js';

export interface DecodeResult {
  bench: 'decode';
  driver: string;
  mbPerSecond: number;
  framesPerSecond: number;
  /** How many such devices at their full rate one core carries. */
  realTimeFactor: number;
  bytesAllocatedPerFrame: number;
  /** Points a second beside those of @foxglove/velodyne-cloud, from the same packets in the same run. */
  ratioToFoxglove?: number;
  source: string;
}

export function makeDecoder(driver: Driver, { settings = {}, files }: Input): Decoder {
  return driver.decoder(driver.settings.parse(settings), files);
}

/** Less would be lost in the clock's own steps. */
const shortestRound = 0.05; // seconds
const fewestRounds = 5;
const warmUp = 0.5; // part of the time that is measured, before it

/** What one round decoded, and the time that it took. */
interface Round {
  readonly seconds: number;
  readonly frames: number;
  readonly bytes: number;
  readonly points: number;
}

function round(driver: Driver, input: Input): Round {
  const total = { seconds: 0, frames: 0, bytes: 0, points: 0 };
  while (total.seconds < shortestRound) {
    const decoder = makeDecoder(driver, input);
    let points = 0;
    const begin = processorSeconds();
    for (const { bytes, arrivalTime } of input.pieces)
      for (const frame of decoder.push(bytes, arrivalTime))
        if (frame.kind === 'lidar') points += frame.position.length / 3;
    total.seconds += processorSeconds() - begin;
    total.points += points;
    total.frames += decoder.counters.frames;
    total.bytes += decoder.counters.bytes;
  }
  return total;
}

/** A round of the peer, over the same packets: points a second. */
function foxgloveRound(packets: readonly Uint8Array[]): number {
  let points = 0;
  let seconds = 0;
  while (seconds < shortestRound) {
    const begin = processorSeconds();
    points += foxgloveTurns(packets);
    seconds += processorSeconds() - begin;
  }
  return points / seconds;
}

/** Bytes that arrive while the memory is not looked at: their frames must fit into the young generation. */
const allocationBatch = 512 * 1024;

/** Over the second half of the input: in the first, the decoder's own buffers have grown. */
function allocationPerFrame(driver: Driver, input: Input): number {
  const decoder = makeDecoder(driver, input);
  const half = Math.ceil(input.pieces.length / 2);
  for (const { bytes, arrivalTime } of input.pieces.slice(0, half)) decoder.push(bytes, arrivalTime);
  const measured = input.pieces.slice(half);
  const before = decoder.counters.frames;
  let allocated = 0;
  for (let from = 0; from < measured.length;) {
    let to = from;
    for (let size = 0; to < measured.length && (to === from || size < allocationBatch); to++)
      size += measured[to]!.bytes.length;
    const batch = measured.slice(from, to);
    allocated += bytesAllocated(() => batch.map(({ bytes, arrivalTime }) => decoder.push(bytes, arrivalTime))).bytes;
    from = to;
  }
  return allocated / (decoder.counters.frames - before);
}

function measure(driver: Driver, input: Input, seconds: number): DecodeResult {
  const { of, perSecond } = input.fullRate;
  const packets = driver.name === 'velodyne' ? input.pieces.map(({ bytes }) => bytes) : undefined;
  const rounds: Round[] = [];
  const theirs: number[] = [];
  // The first part is warm-up, in which V8 compiles.
  for (let spent = -warmUp * seconds; rounds.length < fewestRounds || spent < seconds;) {
    const one = round(driver, input);
    const other = packets && foxgloveRound(packets);
    spent += one.seconds;
    if (spent <= 0) continue;
    rounds.push(one);
    if (other !== undefined) theirs.push(other);
  }
  const median = (value: (one: Round) => number) => percentile(rounds.map(value), 0.5);
  const framesPerSecond = median(({ frames, seconds: s }) => frames / s);
  const bytesPerSecond = median(({ bytes, seconds: s }) => bytes / s);
  if (framesPerSecond === 0) throw new Error(`no frame in ${input.source}`);
  return {
    bench: 'decode',
    driver: driver.name,
    mbPerSecond: rounded(bytesPerSecond / 1e6, 1),
    framesPerSecond: rounded(framesPerSecond, 0),
    realTimeFactor: rounded((of === 'frames' ? framesPerSecond : bytesPerSecond) / perSecond, 1),
    bytesAllocatedPerFrame: rounded(allocationPerFrame(driver, input), 0),
    ...(theirs.length > 0 && {
      ratioToFoxglove: rounded(median(({ points, seconds: s }) => points / s) / percentile(theirs, 0.5), 2),
    }),
    source: input.source,
  };
}

const rounded = (value: number, digits: number) => Number(value.toFixed(digits));

interface Options {
  json: boolean;
  /** Of each driver, at least. */
  seconds: number;
  /** Names of drivers; none: all. */
  only: readonly string[];
}

export function decode({ json, seconds, only }: Options): void {
  const names = only.length > 0 ? only : drivers.map(({ name }) => name);
  if (!json) console.log(row(['driver', 'MB/s', 'frames/s', '× full rate', 'bytes/frame', '× Foxglove', 'source']));
  for (const name of names) {
    const result = names.length === 1 ? measureHere(name, seconds) : measureElsewhere(name, seconds);
    if (result === undefined) process.exitCode = 1;
    else console.log(json ? JSON.stringify(result) : row(cells(result)));
  }
}

/** @returns undefined if it could not be measured, which has been told */
function measureHere(name: string, seconds: number): DecodeResult | undefined {
  try {
    const driver = findDriver(name);
    if (!driver) throw new Error(`there is no such driver; there are ${drivers.map((one) => one.name).join(', ')}`);
    const make = inputs[name];
    if (!make) throw new Error('no bytes for it in bench/inputs.ts; add an entry there');
    return measure(driver, make(), seconds);
  } catch (error) {
    console.error(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

/** In a process of its own, so that what V8 has learnt from one driver and what lies in memory do not change another's figures. */
function measureElsewhere(name: string, seconds: number): DecodeResult | undefined {
  const command = [
    join(packageRoot, 'dist', 'bench', 'main.js'),
    'decode',
    name,
    '--json',
    '--seconds',
    String(seconds),
  ];
  const { stdout, status } = spawnSync(process.execPath, command, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return status === 0 ? (JSON.parse(stdout) as DecodeResult) : undefined;
}

function cells(result: DecodeResult): string[] {
  const { mbPerSecond, framesPerSecond, realTimeFactor, bytesAllocatedPerFrame, ratioToFoxglove } = result;
  const figures = [mbPerSecond, framesPerSecond, realTimeFactor, bytesAllocatedPerFrame, ratioToFoxglove];
  return [result.driver, ...figures.map((figure) => figure?.toLocaleString('en-GB') ?? ''), result.source];
}

function row([driver, ...rest]: string[]): string {
  const source = rest.pop()!;
  return [driver!.padEnd(16), ...rest.map((cell) => cell.padStart(12)), ` ${source}`].join('');
}
