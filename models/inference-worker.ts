/** The inference worker: towers' sessions in a thread of their own, since onnxruntime's `run` blocks the thread that calls it. */
import { parentPort } from 'node:worker_threads';
import type { FromWorker, ToWorker, TowerChoice, TowerOrder } from './inference-messages.js';
import { ModelError } from './manifest.js';
import { reasonOf, tryProviders } from './providers.js';
import { openTower } from './tower-session.js';
import type { TowerSession } from './tower-session.js';

const port = parentPort!;
const sessions = new Map<string, TowerSession>();

function tell(message: FromWorker, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

async function load(towers: readonly TowerOrder[], threads: number): Promise<TowerChoice[]> {
  const choices: TowerChoice[] = [];
  for (const { tower, providers } of towers) {
    const { modality } = tower.manifest;
    const { value, provider, passedOver } = await tryProviders(providers, (each) => openTower(tower, each, threads));
    sessions.set(modality, value);
    choices.push({ modality, provider, passedOver });
  }
  return choices;
}

async function handle(message: ToWorker): Promise<void> {
  switch (message.kind) {
    case 'load':
      try {
        tell({ kind: 'loaded', choices: await load(message.towers, message.threads) });
      } catch (error) {
        tell({ kind: 'notLoaded', message: reasonOf(error) });
      }
      return;
    case 'classify': {
      const { id, modality, window, count } = message;
      try {
        const session = sessions.get(modality);
        if (!session) throw new ModelError(`no tower for ${modality} is loaded`);
        const { probabilities, embedding } = await session.run(window, count);
        const result: FromWorker = { kind: 'classified', id, probabilities, embedding };
        tell(result, [probabilities.buffer, embedding.buffer]);
      } catch (error) {
        tell({ kind: 'refused', id, message: reasonOf(error) });
      }
      return;
    }
    case 'close':
      for (const session of sessions.values()) await session.release();
      sessions.clear();
      port.close();
  }
}

// One after the other: `close` must not release a session that is about to run.
let last = Promise.resolve();
port.on('message', (message: ToWorker) => {
  last = last.then(() => handle(message));
});
