/** Asks the running gateway over MQTT, as everyone else would. */
import { randomUUID } from 'node:crypto';
import { connectAsync } from 'mqtt';
import type { z } from 'zod';
import { brokerAddress } from '../broker-connection.js';
import type { Config } from '../config.js';
import { requestTopic, responseTopic } from '../topics.js';
import type { RequestKind } from '../topics.js';

/** Seconds that the broker, and a gateway with nothing more to do than answer, have. */
const usualPatience = 5;

/**
 * @param request called once the broker is reached, since a request may tell of this moment
 * @param response what the answer must be
 * @param patience seconds that the gateway has to answer
 * @throws Error with one line that says what to do
 */
export async function ask<Response extends { transaction?: string | undefined }>(
  { mqtt, gateway }: Pick<Config, 'mqtt' | 'gateway'>,
  kind: RequestKind,
  request: () => object,
  response: z.ZodType<Response>,
  patience = usualPatience,
): Promise<Response> {
  const embedded = mqtt.broker === 'embedded' ? `mqtt://127.0.0.1:${mqtt.port}` : mqtt.broker;
  const { url, ...credentials } = brokerAddress(embedded, mqtt.username, mqtt.password);
  const client = await connectAsync(url, {
    ...credentials,
    reconnectPeriod: 0,
    connectTimeout: 1000 * usualPatience,
  }).catch((error: unknown) => {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Error(
      `no MQTT broker answers at ${url} (${code ?? message}): is the gateway running, with this configuration?`,
    );
  });
  let timer: NodeJS.Timeout | undefined;
  try {
    const transaction = randomUUID();
    await client.subscribeAsync(responseTopic(gateway, kind), { qos: 1 });
    const answered = new Promise<Response>((resolve, reject) => {
      client.on('message', (_topic, payload) => {
        const parsed = response.safeParse(json(payload));
        if (parsed.success && parsed.data.transaction === transaction) resolve(parsed.data);
      });
      client.on('close', () => reject(new Error(`the MQTT broker at ${url} closed the connection; see its log`)));
    });
    answered.catch(() => undefined);
    const silence = new Promise<never>((_resolve, reject) => {
      const reason = `the gateway '${gateway}' does not answer on ${url}: is it running, and named so in this configuration?`;
      timer = setTimeout(() => reject(new Error(reason)), 1000 * patience);
    });
    const asked = { ...request(), transaction };
    const sent = client.publishAsync(requestTopic(gateway, kind), JSON.stringify(asked), { qos: 1 });
    sent.catch(() => undefined);
    return await Promise.race([answered, silence]);
  } finally {
    clearTimeout(timer);
    await client.endAsync(true);
  }
}

function json(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString());
  } catch {
    return undefined;
  }
}
