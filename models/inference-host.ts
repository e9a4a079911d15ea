/**
 * Where an inference worker lives: a thread, or with a GPU a process.
 *
 * A worker thread that is ended while onnxruntime computes in it takes the whole process with it (measured, onnxruntime-node 1.30:
 * `terminate called after throwing an instance of 'Napi::Error'`, SIGABRT; `process.exit` ends workers in the same way). So a thread
 * is never terminated: it is asked to end, and one that hangs is left behind and replaced.
 *
 * A GPU's driver may crash, which no thread outlives, and may hang for ever; a process can be killed. Two threads of one process
 * that run on WebGPU at once, as when a tower is exchanged, crash onnxruntime too (microsoft/onnxruntime, issue 32561).
 */
import { fork } from 'node:child_process';
import { parentPort, Worker } from 'node:worker_threads';
import type { FromWorker, ToWorker } from './inference-messages.js';

export type HostKind = 'thread' | 'process';

export interface Host {
  readonly kind: HostKind;
  readonly ended: Promise<void>;
  /** What lies in `transfer` must not be used any more. */
  post(message: ToWorker, transfer?: ArrayBuffer[]): void;
  /** Gives up one that does not answer: a process is killed, a thread is asked to end when it can. */
  abandon(): void;
}

export interface HostEvents {
  readonly onMessage: (message: FromWorker) => void;
  /** It has ended; comes once. */
  readonly onExit: (reason: string) => void;
}

export function openHost(script: URL, kind: HostKind, events: HostEvents): Host {
  let onEnd: () => void;
  const ended = new Promise<void>((resolve) => (onEnd = resolve));
  const onExit = (reason: string) => {
    events.onExit(reason);
    onEnd();
  };
  const opened = (kind === 'thread' ? openThread : openProcess)(script, { ...events, onExit });
  return { ...opened, kind, ended };
}

type Opened = Omit<Host, 'kind' | 'ended'>;

// Both are started without the process's own flags: a debugger or loader named there is not meant for them.

function openThread(script: URL, { onMessage, onExit }: HostEvents): Opened {
  const worker = new Worker(script, { execArgv: [] });
  let reason: string | undefined;
  worker.on('message', onMessage);
  worker.on('error', (error: Error) => (reason = error.message));
  worker.on('exit', (code) => onExit(reason ?? `exit code ${code}`));
  return {
    post: (message, transfer = []) => worker.postMessage(message, transfer),
    abandon() {
      worker.unref();
      worker.postMessage({ kind: 'close' } satisfies ToWorker);
    },
  };
}

function openProcess(script: URL, { onMessage, onExit }: HostEvents): Opened {
  // What onnxruntime and drivers print is kept from the gateway's own output.
  const child = fork(script, {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    execArgv: [],
  });
  let ended = false;
  const end = (reason: string) => {
    if (!ended) onExit(reason);
    ended = true;
  };
  child.on('message', (message) => onMessage(message as FromWorker));
  child.on('error', (error) => {
    if (child.pid === undefined) end(error.message);
  });
  let killing: NodeJS.Timeout | undefined;
  child.on('exit', (code, signal) => {
    clearTimeout(killing);
    end(signal ?? `exit code ${code}`);
  });
  return {
    post(message) {
      // A driver may hang while it releases what it has.
      if (message.kind === 'close') killing ??= setTimeout(() => child.kill('SIGKILL'), 10_000).unref();
      const shared = message.kind === 'classify' && !(message.window.buffer instanceof ArrayBuffer);
      // A process that has just ended takes nothing any more; its end is told apart.
      child.send(shared ? { ...message, window: new Float32Array(message.window) } : message, () => undefined);
    },
    abandon: () => void child.kill('SIGKILL'),
  };
}

/** The worker's end of the line. */
export interface Port {
  post(message: FromWorker, transfer: ArrayBuffer[]): void;
  onMessage(handler: (message: ToWorker) => void): void;
  close(): void;
}

export function hostPort(): Port {
  const thread = parentPort;
  if (thread)
    return {
      post: (message, transfer) => thread.postMessage(message, transfer),
      onMessage: (handler) => void thread.on('message', handler),
      close: () => thread.close(),
    };
  // A terminal and systemd send these to the whole group; the gateway ends its worker when it needs it no more.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => undefined);
  return {
    post: (message) => void process.send!(message),
    onMessage: (handler) => void process.on('message', (message) => handler(message as ToWorker)),
    close: () => process.disconnect(),
  };
}
