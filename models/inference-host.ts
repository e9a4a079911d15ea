/**
 * Where the inference worker lives: a process of its own. A driver or a model's file that crashes takes no gateway with it, what hangs
 * can be killed, and the memory of towers that are exchanged goes back to the system with their process.
 *
 * A worker thread can do none of that (measured, onnxruntime-node 1.30): ended while onnxruntime computes in it, it takes the whole
 * process with it (`terminate called after throwing an instance of 'Napi::Error'`, SIGABRT), what its sessions leave in the
 * allocator stays (docs/benchmarks.md, hotswap), and two threads that run on WebGPU at once crash (microsoft/onnxruntime, issue 32561).
 */
import { fork } from 'node:child_process';
import type { FromWorker, ToWorker } from './inference-messages.js';

export interface Host {
  readonly ended: Promise<void>;
  post(message: ToWorker): void;
  /** Ends one that does not answer. */
  kill(): void;
}

export interface HostEvents {
  readonly onMessage: (message: FromWorker) => void;
  /** It has ended; comes once. */
  readonly onExit: (reason: string) => void;
}

/** Seconds that a driver may take to release what it has. */
const releaseLimit = 10;
/** Characters of what the worker said last. */
const keptWords = 4000;

/** `Error: a fault on demand`, of what Node.js prints when a program ends by an error. */
const thrown = /^\w*Error(?: \[\w+\])?: .*$/gm;

export function openHost(script: URL, { onMessage, onExit }: HostEvents): Host {
  const child = fork(script, {
    serialization: 'advanced',
    // What onnxruntime and drivers print is kept from the gateway's own output.
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    // A debugger or loader named in the process's own flags is not meant for it.
    execArgv: [],
  });
  let words = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (words = (words + text).slice(-keptWords)));
  child.on('message', (message) => onMessage(message as FromWorker));
  let releasing: NodeJS.Timeout | undefined;
  const ended = new Promise<void>((resolve) => {
    let over = false;
    const end = (reason: string) => {
      if (over) return;
      over = true;
      clearTimeout(releasing);
      onExit(reason);
      resolve();
    };
    child.on('error', (error) => {
      if (child.pid === undefined) end(error.message);
    });
    // Not `exit`: its last words and answers are to be there.
    child.on('close', (code, signal) => end(signal ?? words.match(thrown)?.at(-1) ?? `exit code ${code}`));
  });
  return {
    ended,
    post(message) {
      if (message.kind === 'close') releasing ??= setTimeout(() => child.kill('SIGKILL'), 1000 * releaseLimit).unref();
      // A process that has just ended takes nothing any more; its end is told apart.
      child.send(message, () => undefined);
    },
    kill: () => void child.kill('SIGKILL'),
  };
}

/** The worker's end of the line. */
export interface Port {
  post(message: FromWorker): void;
  onMessage(handler: (message: ToWorker) => void): void;
  close(): void;
}

export function hostPort(): Port {
  // A terminal and systemd send these to the whole group; the gateway ends its worker when it needs it no more.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => undefined);
  return {
    post: (message) => void process.send!(message),
    onMessage: (handler) => void process.on('message', (message) => handler(message as ToWorker)),
    close: () => process.disconnect(),
  };
}
