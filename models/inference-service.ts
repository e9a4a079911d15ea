/** What the inference worker does: opens towers, and runs them one window after the other. */
import type { Fault, ToWorker, TowerChoice, TowerOrder } from './inference-messages.js';
import type { Port } from './inference-host.js';
import { ModelError } from './manifest.js';
import { reasonOf, tryProviders } from './providers.js';
import type { Provider } from './providers.js';
import { openTower } from './tower-session.js';
import type { Classification, TowerSession } from './tower-session.js';

interface Open {
  readonly order: TowerOrder;
  readonly provider: Provider;
  readonly session: TowerSession;
  /** On the CPU, once the provider has failed. */
  standIn?: TowerSession;
}

/** @param open another one in tests */
export function serveInference(port: Port, open: typeof openTower = openTower): void {
  const towers = new Map<string, Open>();
  let threads = 1;

  async function load(orders: readonly TowerOrder[]): Promise<TowerChoice[]> {
    const choices: TowerChoice[] = [];
    for (const order of orders) {
      const { modality } = order.tower.manifest;
      const { value, provider, passedOver } = await tryProviders(order.providers, (each) =>
        open(order.tower, each, threads),
      );
      towers.set(modality, { order, provider, session: value });
      choices.push({ modality, provider, passedOver });
    }
    return choices;
  }

  /** A window that fails is the provider's fault only if the CPU computes it. Until another worker takes over, the CPU stands in. */
  async function run(tower: Open, window: Float32Array, count: number): Promise<Classification & { fault?: Fault }> {
    if (tower.standIn) return tower.standIn.run(window, count);
    const { order, provider } = tower;
    try {
      return await tower.session.run(window, count);
    } catch (error) {
      if (provider === 'cpu' || !order.providers.includes('cpu')) throw error;
      const standIn = await open(order.tower, 'cpu', threads);
      const result = await standIn.run(window, count);
      tower.standIn = standIn;
      return { ...result, fault: { provider, reason: reasonOf(error) } };
    }
  }

  async function handle(message: ToWorker): Promise<void> {
    switch (message.kind) {
      case 'load':
        threads = message.threads;
        try {
          port.post({ kind: 'loaded', choices: await load(message.towers) });
        } catch (error) {
          port.post({ kind: 'notLoaded', message: reasonOf(error) });
        }
        return;
      case 'classify': {
        const { id, modality, window, count } = message;
        try {
          const tower = towers.get(modality);
          if (!tower) throw new ModelError(`no tower for ${modality} is loaded`);
          const result = await run(tower, window, count);
          port.post({ kind: 'classified', id, ...result });
        } catch (error) {
          port.post({ kind: 'refused', id, message: reasonOf(error) });
        }
        return;
      }
      case 'close':
        for (const { session, standIn } of towers.values()) {
          await standIn?.release();
          await session.release();
        }
        towers.clear();
        port.close();
    }
  }

  // One after the other: `close` must not release a session that is about to run.
  let last = Promise.resolve();
  port.onMessage((message) => {
    last = last.then(() => handle(message));
  });
}
