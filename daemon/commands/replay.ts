/** `babel-gateway replay`: a recording through the whole gateway, from its bytes to labels over MQTT. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { summariseRecording } from '../../drivers/recording/reader.js';
import { parseConfig } from '../config.js';
import { startGateway } from '../gateway.js';
import { createLogger } from '../log.js';
import { createTerminal } from '../terminal.js';

export interface ReplayOptions {
  speed: number | 'fastest';
  gateway: string;
  broker: string;
  port: number;
}

/** Plays all sensors of the recording to their end. @throws Error with one line */
export async function replay(file: string, { speed, gateway: name, broker, port }: ReplayOptions): Promise<void> {
  const { sensors, end } = await summariseRecording(file);
  if (end.problem !== undefined) console.error(`${file}: ${end.problem}; what can be read is played`);
  if (sensors.length === 0) throw new Error(`${file}: there is nothing of a sensor in it`);

  const places: Record<string, { sensors: Record<string, object> }> = {};
  for (const { sensor: recorded } of sensors) {
    const place = (places[recorded.place || 'recording'] ??= { sensors: {} });
    place.sensors[recorded.sensor] = {
      driver: recorded.driver,
      settings: recorded.settings,
      transport: { type: 'recording', file: resolve(file), sensor: recorded.sensor, speed },
      // A recording has the pauses that it has.
      silenceTimeout: 3600,
    };
  }
  // What waits for a broker that is away must not come out of the real gateway later.
  const dataDirectory = await mkdtemp(join(tmpdir(), 'babel-replay-'));
  try {
    const mqtt = broker === 'embedded' ? { port } : { broker };
    const config = parseConfig(stringify({ gateway: name, dataDirectory, mqtt, places }), file);
    const terminal = createTerminal();
    const log = createLogger(config.log.level, process.stderr.isTTY ? terminal : undefined);
    const stopAsked = new Promise<void>((done) => {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => done());
    });
    const gateway = await startGateway(config, { log, terminal, once: true });
    await Promise.race([gateway.ended, stopAsked]);
    await gateway.stop('the recording has been played');
    terminal.close();
  } finally {
    await rm(dataDirectory, { recursive: true, force: true });
  }
  process.exit();
}
