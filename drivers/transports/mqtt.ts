/** Messages of one MQTT topic, at the gateway's own broker or another: one message is one call. For instance Sensor Logger. */
import { connect, type MqttClient } from 'mqtt';
import { z } from 'zod';
import { deliverTo } from './delivery.js';
import { monotonicSeconds, type Transport } from './transport.js';

const settings = z.strictObject({
  type: z.literal('mqtt'),
  broker: z
    .string()
    .regex(
      /^(mqtts?|wss?):\/\/[^/@\s]+(\/[^@\s]*)?$/,
      'expected the address of a broker without a user name, for instance mqtt://127.0.0.1:1883',
    )
    .default('mqtt://127.0.0.1:1883')
    .describe('The broker that the device publishes to; the usual one is that of the gateway itself.'),
  topic: z
    .string()
    .min(1)
    .refine(isFilter, 'expected a topic such as phone/data; + stands for one level and # for all that follow')
    .describe('Topic that the device publishes to.'),
  username: z.string().min(1).optional().describe('User name at the broker.'),
  password: z
    .string()
    .optional()
    .describe('Password at the broker. Keep it out of the file: `password: ${MQTT_PASSWORD}`.'),
  longestMessage: z
    .int()
    .min(1024)
    .max(64 * 1024 * 1024)
    .default(1024 * 1024)
    .describe('Bytes of the longest message that is taken.'),
});
export type MqttSettings = z.infer<typeof settings>;

/** MQTT 3.1.1, 4.7.1. */
function isFilter(text: string): boolean {
  return text
    .split('/')
    .every((level, i, all) => level === '+' || (level === '#' && i === all.length - 1) || !/[+#]/.test(level));
}

const patience = 10; // seconds

export const mqtt = {
  name: 'mqtt',
  settings,
  async open({ broker, topic, username, password, longestMessage }, handlers) {
    const name = `mqtt ${broker} ${topic}`;
    const client = connect(broker, {
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password }),
      reconnectPeriod: 0,
      connectTimeout: patience * 1000,
      keepalive: 20,
    });
    const delivery = deliverTo(handlers);
    const failures = {
      /** Messages longer than are taken. */
      refusedMessages: 0,
      get lostMessages() {
        return delivery.failures.lostMessages;
      },
    };
    let problem: string | undefined;
    client.on('error', (error) => {
      problem ??= describeMqttError(error);
    });
    client.on('message', (_, payload, { retain }) => {
      // What a broker kept from some earlier time did not arrive now.
      if (retain) return;
      if (payload.length > longestMessage) failures.refusedMessages++;
      else delivery.onBytes(payload, monotonicSeconds());
    });
    try {
      await subscribed(client, topic, () => problem);
    } catch (error) {
      delivery.stop();
      client.end(true);
      throw new Error(`${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
    client.on('close', () => delivery.onClose(`${name}: ${problem ?? 'the broker closed the connection'}`));
    return {
      failures,
      write: () => Promise.reject(new Error(`${name}: a subscription takes no bytes`)),
      async close() {
        delivery.stop();
        await client.endAsync(true);
      },
    };
  },
} satisfies Transport<MqttSettings>;

function subscribed(client: MqttClient, topic: string, problem: () => string | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    client.once('close', () => reject(new Error(problem() ?? 'the broker closed the connection')));
    client.once('connect', () => {
      client.subscribe(topic, { qos: 0 }, (error, granted) => {
        if (error) reject(error);
        else if (granted?.some(({ qos }) => (qos as number) > 2)) reject(new Error('the broker refuses this topic'));
        else resolve();
      });
    });
  });
}

function describeMqttError(error: Error): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  // Codes of the broker's answer to CONNECT, versions 3.1.1 and 5.
  if ([4, 5, 134, 135].some((one) => one === (code as unknown)))
    return 'the broker wants another user name or password: set username and password';
  const remedies: Record<string, string | undefined> = {
    ECONNREFUSED: 'connection refused. Is a broker running there, with this port?',
    ENOTFOUND: 'no such host. Check the name, or give the address instead',
    ETIMEDOUT: 'no answer. Is the machine on, in this network, and the port open in its firewall?',
    EHOSTUNREACH: 'the host cannot be reached. Is it on, and in this network?',
  };
  return remedies[code] ?? (message === 'connack timeout' ? remedies['ETIMEDOUT']! : message || code);
}
