/** How far the shipped towers recognise what the virtual body performs: each kind of sensor by itself, and the published label of each set.
 *
 *  Bytes go through the real drivers and the place's own pipe, not at live speed. A window counts for what is performed in most of it. */
import { createLogger } from '../daemon/log.js';
import { createPlacePipe } from '../daemon/place-pipe.js';
import { virtualDepthChunks, virtualSkeletonChunks, virtualWristChunks } from '../daemon/virtual-feed.js';
import { depthZmq } from '../drivers/depth/depth-zmq.js';
import { skeletonZmq } from '../drivers/depth/skeleton-zmq.js';
import type { Driver } from '../drivers/driver.js';
import type { Modality } from '../drivers/frames.js';
import { witmotion } from '../drivers/imu/witmotion.js';
import { encodeParts } from '../drivers/transports/zmq.js';
import { startInference } from '../models/inference.js';
import { loadTower, shippedTowerDirectory } from '../models/store.js';
import type { PlayedChunk } from '../room/played-device.js';
import { moments } from '../room/performances.js';
import type { Moment } from '../room/performances.js';

type Sent = Pick<PlayedChunk, 'at'> & { readonly bytes: Uint8Array };

/** By who says it and whether somebody moves: windows, and those in which it is what is performed. */
type Counts = Map<
  string,
  { readonly of: string; readonly performed: 'actions' | 'rests'; windows: number; right: number }
>;

const sensors: readonly { name: string; driver: Driver; sent: (seed: number) => Iterator<Sent> }[] = [
  { name: 'wrist', driver: witmotion, sent: (seed) => wristBytes(seed) },
  { name: 'skeleton', driver: skeletonZmq, sent: (seed) => bytesOf(virtualSkeletonChunks(seed, 30)) },
  { name: 'depth', driver: depthZmq, sent: (seed) => bytesOf(virtualDepthChunks(seed, 15)) },
];

function* wristBytes(seed: number): Generator<Sent> {
  for (const { at, message } of virtualWristChunks(seed, witmotion.settings.parse({})))
    yield { at, bytes: message(at) };
}

function* bytesOf(chunks: Iterable<PlayedChunk<Uint8Array[]>>): Generator<Sent> {
  for (const { at, message } of chunks) yield { at, bytes: encodeParts(message(at)) };
}

export async function virtualBody({ json, seconds }: { json: boolean; seconds: number }): Promise<void> {
  const modalities = ['imu', 'skeleton', 'depth'] as const;
  const towers = await Promise.all(modalities.map((modality) => loadTower(shippedTowerDirectory(modality))));
  const log = createLogger('error');
  const inference = await startInference({ towers, providers: ['cpu'], threads: 1, log });
  const counts: Counts = new Map();
  for (const left of [undefined, ...modalities]) {
    const set = modalities.filter((one) => one !== left);
    // Seeds that the demonstration does not have.
    for (let seed = 101; seed <= 104; seed++) await perform(set, seed, seconds / 4);
  }
  await inference.close();
  const rows = [...counts.values()].map((row) => ({
    ...row,
    share: Math.round((1000 * row.right) / row.windows) / 1000,
  }));
  if (json) for (const row of rows) console.log(JSON.stringify(row));
  else console.table(rows);

  async function perform(set: readonly Modality[], seed: number, lasts: number): Promise<void> {
    const instants: Moment[] = [];
    for (const moment of moments(seed, 50)) if (instants.push(moment) > 50 * lasts) break;
    const pipe = createPlacePipe({
      ...{ name: 'room', set: [...set], inference, replayed: true, log },
      onModalities: () => undefined,
      onActivity({ activity }, window) {
        if (!window) return Promise.resolve();
        const performed = performedIn(instants, window.start, window.end);
        if (set.length === modalities.length)
          for (const { modality, activity: own } of activity.contributions) count(modality, own, performed);
        count(set.join(' + '), activity.activity, performed);
        return Promise.resolve();
      },
    });
    const playing = sensors.map(({ name, driver, sent }) => {
      const driverSettings = driver.settings.parse({});
      const chunks = sent(seed);
      return { name, driver, driverSettings, decoder: driver.decoder(driverSettings), chunks, next: take(chunks) };
    });
    pipe.add(
      playing.map(({ name, driver, driverSettings }) => ({
        ...{ name, place: 'room', driver, driverSettings, transportName: 'none', silenceTimeout: 2, virtual: true },
        ...{ recorded: false, readFiles: () => Promise.resolve({}), openTransport: () => Promise.reject(new Error()) },
      })),
    );
    for (let done = 0; ;) {
      const first = playing.reduce((a, b) => (b.next.at < a.next.at ? b : a));
      const { at, bytes } = first.next;
      if (at >= lasts) break;
      pipe.push(first.name, first.decoder.push(bytes, at));
      first.next = take(first.chunks);
      if (at < done) continue;
      await pipe.idle();
      done = at + 1;
    }
    for (const { name } of playing) pipe.gone(name);
    pipe.stop();
    await pipe.idle();
  }

  function count(of: string, said: string, performed: string): void {
    const kind = performed === 'still' ? 'rests' : 'actions';
    const key = `${of} ${kind}`;
    const row = counts.get(key) ?? { of, performed: kind, windows: 0, right: 0 };
    row.windows++;
    if (said === performed) row.right++;
    counts.set(key, row);
  }
}

function take(chunks: Iterator<Sent>): Sent {
  const next = chunks.next();
  if (next.done) throw new Error('the body stands still for ever');
  return next.value;
}

/** What is performed most of the time, looked at every 20 ms. */
function performedIn(instants: readonly Moment[], start: number, end: number): string {
  const counts = new Map<string, number>();
  for (const { time, label } of instants) {
    if (time >= end) break;
    if (time >= start) counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  return [...counts].reduce((most, one) => (one[1] > most[1] ? one : most), ['', 0])[0];
}
