/** `babel-gateway modalities PLACE SET`: asks the running gateway over MQTT, as everyone else would. */
import { randomUUID } from 'node:crypto';
import { connectAsync } from 'mqtt';
import { brokerAddress } from '../broker-connection.js';
import { findConfigFile } from '../config-file.js';
import { loadConfig } from '../config.js';
import type { Config } from '../config.js';
import { modalitiesResponse, requestTopic, responseTopic } from '../topics.js';
import type { ModalitiesResponse } from '../topics.js';

/** Seconds that the gateway has to answer. */
const patience = 5;

/** @throws Error with one line that says what to do */
export async function modalities(
  place: string,
  set: string,
  options: { config?: string; json: boolean },
): Promise<void> {
  const config = await loadConfig(findConfigFile(options.config));
  const request = { place, set: set === 'all' ? 'all' : set.split(',').map((one) => one.trim()) };
  const response = await ask(config, request);
  if (options.json) console.log(JSON.stringify(response));
  if (response.status === 'error') throw new Error(response.reason);
  if (!options.json)
    console.log(`${place} fuses ${String(response.set).replaceAll(',', ', ')} from the next window on`);
}

async function ask({ mqtt, gateway }: Config, request: object): Promise<ModalitiesResponse> {
  const embedded = mqtt.broker === 'embedded' ? `mqtt://127.0.0.1:${mqtt.port}` : mqtt.broker;
  const { url, ...credentials } = brokerAddress(embedded, mqtt.username, mqtt.password);
  const client = await connectAsync(url, { ...credentials, reconnectPeriod: 0, connectTimeout: 1000 * patience }).catch(
    (error: unknown) => {
      const { code, message } = error as NodeJS.ErrnoException;
      throw new Error(
        `no MQTT broker answers at ${url} (${code ?? message}): is the gateway running, with this configuration?`,
      );
    },
  );
  try {
    const transaction = randomUUID();
    await client.subscribeAsync(responseTopic(gateway, 'modalities'), { qos: 1 });
    const answered = new Promise<ModalitiesResponse>((resolve) => {
      client.on('message', (_topic, payload) => {
        const parsed = modalitiesResponse.safeParse(json(payload));
        if (parsed.success && parsed.data.transaction === transaction) resolve(parsed.data);
      });
    });
    const silence = new Promise<never>((_resolve, reject) => {
      setTimeout(
        () =>
          reject(
            new Error(
              `the gateway '${gateway}' does not answer on ${url}: is it running, and named so in this configuration?`,
            ),
          ),
        1000 * patience,
      ).unref();
    });
    await client.publishAsync(requestTopic(gateway, 'modalities'), JSON.stringify({ ...request, transaction }), {
      qos: 1,
    });
    return await Promise.race([answered, silence]);
  } finally {
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
