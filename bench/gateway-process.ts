/** The gateway as users run it, in a process of its own, for benchmarks that play its devices. */
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { stringify } from 'yaml';
import { packageRoot } from '../daemon/package-root.js';
import { processorSecondsOf, residentMegabytesOf } from './process-tree.js';

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

export async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}

export interface GatewayProcess {
  /** Connected to its broker. */
  readonly client: mqtt.MqttClient;
  /** As `processorSecondsOf`. */
  processorSeconds(): Promise<number>;
  /** As `residentMegabytesOf`. */
  residentMegabytes(): Promise<number>;
  /** As its configuration says. */
  readonly dataDirectory: string;
  stop(): Promise<void>;
}

/**
 * @param name of the gateway, a level of its topics
 * @param places as in a configuration
 * @param files text of files that the settings name, which are read from the configuration's folder
 */
export async function runGateway(
  name: string,
  places: object,
  files: Readonly<Record<string, string>> = {},
): Promise<GatewayProcess> {
  const folder = await mkdtemp(join(tmpdir(), `babel-${name}-`));
  const port = await freePort();
  const config = join(folder, `${name}.yaml`);
  const dataDirectory = join(folder, 'state');
  const settings = {
    gateway: name,
    dataDirectory,
    mqtt: { port },
    log: { level: 'warn' },
    places,
  };
  await writeFile(config, stringify(settings));
  for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text);
  const child = spawn(process.execPath, [join(packageRoot, 'bin', 'babel-gateway.js'), 'run', '--config', config], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const exited = once(child, 'exit');
  const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 200 });
  client.on('error', () => undefined);
  const stop = async () => {
    await client.endAsync(true);
    child.kill('SIGTERM');
    await exited;
    await rm(folder, { recursive: true });
  };
  const connected = new Promise<boolean>((resolve) => client.once('connect', () => resolve(true)));
  if (!(await Promise.race([connected, exited.then(() => false)]))) {
    await stop();
    throw new Error('the gateway ended; what it said stands above');
  }
  return {
    client,
    processorSeconds: () => processorSecondsOf(child.pid!),
    residentMegabytes: () => residentMegabytesOf(child.pid!),
    dataDirectory,
    stop,
  };
}
