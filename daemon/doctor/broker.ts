/** The broker that labels go to. */
import mqtt from 'mqtt';
import { pino } from 'pino';
import { startBroker } from '../broker.js';
import type { Config } from '../config.js';
import { ok, problem, within } from './finding.js';
import type { Finding } from './finding.js';

const silent = pino({ level: 'silent' });
const patience = 5; // seconds
const about = 'MQTT broker';

export interface BrokerCheck {
  readonly finding: Finding;
  close(): Promise<void>;
}

/** An embedded broker runs until `close`: sensors may send to it. */
export async function checkBroker({
  mqtt: { broker: url, host, port, username, password },
}: Config): Promise<BrokerCheck> {
  const nothing = () => Promise.resolve();
  if (url === 'embedded') {
    try {
      const started = await startBroker({ host, port, log: silent });
      return { finding: ok(about, `embedded; port ${port} is free`), close: () => started.close() };
    } catch (error) {
      const text = `${(error as Error).message} (if the gateway runs now, it is the one that uses it)`;
      return { finding: problem(about, text), close: nothing };
    }
  }
  const client = mqtt.connect(url, {
    reconnectPeriod: 0,
    connectTimeout: patience * 1000,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
  });
  // One that comes after the answer must not end the process.
  client.on('error', () => undefined);
  try {
    const connected = new Promise<void>((resolve, reject) => {
      client.once('connect', () => resolve());
      client.once('error', reject);
      client.once('close', () => reject(new Error('it closed the connection, or did not answer')));
    });
    await within(2 * patience, 'it did not answer', connected);
    return { finding: ok(about, `${url} answers`), close: nothing };
  } catch (error) {
    const reason =
      error instanceof Error && error.message !== '' ? error.message : String((error as { code?: string }).code);
    const text = `${url}: ${reason}. Does it run, are address, user name and password right?`;
    return { finding: problem(about, text), close: nothing };
  } finally {
    client.end(true);
  }
}
