import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from './wait.js';

/** Debian's mosquitto, which lies in /usr/sbin, often not on the path of a user. */
export const mosquittoProgram = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  .map((folder) => join(folder, 'mosquitto'))
  .find((path) => existsSync(path));

/** For `t.test`'s options. */
export const needsMosquitto = mosquittoProgram === undefined ? { skip: 'skipped: no mosquitto' } : {};

export interface Mosquitto {
  readonly url: string;
  /** Starts it on the same port, with what it had saved. */
  start(): Promise<void>;
  /** Makes it save its sessions and retained messages now. */
  save(): Promise<void>;
  /** Stops it from answering, its connections left open; or lets it go on. */
  freeze(frozen: boolean): void;
  kill(): Promise<void>;
}

/** A port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A real mosquitto with its own configuration in `folder`. */
export async function mosquitto(folder: string, options = 'allow_anonymous true'): Promise<Mosquitto> {
  const port = await freePort();
  const configuration = join(folder, 'mosquitto.conf');
  const store = join(folder, 'mosquitto.db');
  await writeFile(
    configuration,
    `listener ${port} 127.0.0.1
${options}
persistence true
persistence_location ${folder}/
max_queued_messages 0
${process.getuid?.() === 0 ? 'user root' : ''}
`,
  );
  let child: ChildProcess | undefined;
  const broker: Mosquitto = {
    url: `mqtt://127.0.0.1:${port}`,
    start: async () => {
      child = spawn(mosquittoProgram!, ['-c', configuration], { stdio: ['ignore', 'ignore', 'pipe'] });
      let complaint = '';
      child.stderr!.on('data', (text: Buffer) => (complaint += text.toString()));
      for (let attempt = 0; !(await answers(port)); attempt++) {
        if (child.exitCode !== null || attempt > 500) throw new Error(`mosquitto does not start: ${complaint}`);
        await delay(20);
      }
    },
    save: async () => {
      const saved = () => (existsSync(store) ? statSync(store).mtimeMs + statSync(store).ino : 0);
      const before = saved();
      child!.kill('SIGUSR1');
      await until('mosquitto to save its state', () => saved() !== before);
    },
    freeze: (frozen) => void child?.kill(frozen ? 'SIGSTOP' : 'SIGCONT'),
    kill: async () => {
      if (child?.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
  };
  await broker.start();
  return broker;
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
