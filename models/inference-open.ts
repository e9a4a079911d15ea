/** Opens an inference worker. */
import { openHost } from './inference-host.js';
import type { Host } from './inference-host.js';
import type { FromWorker, TowerChoice, TowerOrder } from './inference-messages.js';
import { ModelError } from './manifest.js';

/** The worker ended or hung, whatever the towers are like. */
export class WorkerFailed extends ModelError {}

export interface OpenWorker {
  readonly host: Host;
  readonly orders: readonly TowerOrder[];
  readonly choices: readonly TowerChoice[];
}

export interface WorkerEvents {
  /** All its messages, the first of which tells that it is open or why not. */
  readonly onMessage: (host: Host, message: FromWorker) => void;
  readonly onExit: (host: Host, reason: string) => void;
}

/**
 * @param deadline seconds
 * @throws WorkerFailed if it ends or hangs; ModelError with its reason if a tower does not run
 */
export function openWorker(
  script: URL,
  orders: readonly TowerOrder[],
  threads: number,
  deadline: number,
  { onMessage, onExit }: WorkerEvents,
): Promise<OpenWorker> {
  return new Promise((resolve, reject) => {
    let hasAnswered = false;
    const host = openHost(script, {
      onMessage(message) {
        onMessage(host, message);
        if (hasAnswered) return;
        hasAnswered = true;
        clearTimeout(timer);
        if (message.kind === 'loaded') {
          resolve({ host, orders, choices: message.choices });
          return;
        }
        host.post({ kind: 'close' });
        reject(new ModelError(message.kind === 'notLoaded' ? message.message : 'unexpected answer'));
      },
      onExit(reason) {
        clearTimeout(timer);
        onExit(host, reason);
        reject(new WorkerFailed(`the inference worker ended (${reason})`));
      },
    });
    const timer = setTimeout(() => {
      hasAnswered = true;
      host.kill();
      reject(new WorkerFailed(`opening the models did not end within ${deadline} s`));
    }, deadline * 1000);
    host.post({ kind: 'load', towers: orders, threads });
  });
}
