/** A child process of the bench `sessions`: opens and closes the shipped towers, and tells its memory in between. */
import { startInference } from '../models/inference.js';
import { loadTower, shippedTowerDirectory } from '../models/store.js';
import { openTower } from '../models/tower-session.js';
import { residentMegabytesOf } from './process-tree.js';
import { threeModalities } from './three-devices.js';

export interface SessionsOrder {
  /** `thread`: sessions are opened and released in one thread; `worker`: as the gateway exchanges a tower, in a new worker process each time. */
  readonly manner: 'thread' | 'worker';
  readonly times: number;
}

/** Megabytes (MiB, RSS) after none, a quarter, half, three quarters and all of the times. */
export type SessionsReply = readonly number[];

/** What comes first fills caches of onnxruntime and of the allocator. */
const warmUp = 20;
const quarters = 4;

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

async function resident(): Promise<number> {
  // Workers end a while after they were asked to.
  await new Promise((resolve) => setTimeout(resolve, 1000));
  globalThis.gc?.();
  globalThis.gc?.();
  return residentMegabytesOf(process.pid);
}

async function run({ manner, times }: SessionsOrder): Promise<SessionsReply> {
  const towers = await Promise.all(threeModalities.map((modality) => loadTower(shippedTowerDirectory(modality))));
  const inference = manner === 'worker' ? await startInference({ towers, providers: ['cpu'], log: silent }) : undefined;
  async function once(k: number): Promise<void> {
    const tower = towers[k % towers.length]!;
    if (inference) await inference.install(tower);
    else for (const one of towers) await (await openTower(one, 'cpu', 1)).release();
  }
  for (let k = 0; k < warmUp; k++) await once(k);
  const megabytes = [await resident()];
  for (let k = 0; k < times; k++) {
    await once(k);
    if (Math.floor(((k + 1) * quarters) / times) === megabytes.length) megabytes.push(await resident());
  }
  await inference?.close();
  return megabytes;
}

process.once('message', (order) => {
  void run(order as SessionsOrder).then((reply) => process.send!(reply, () => process.disconnect()));
});
