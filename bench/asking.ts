/** Requests to a running gateway over MQTT, as any client makes them. */
import type mqtt from 'mqtt';
import { z } from 'zod';
import { modalitiesResponse, modelResponse, requestTopic, responseTopic } from '../daemon/topics.js';
import type { ModalitiesResponse, ModelResponse, RequestKind } from '../daemon/topics.js';

/** Seconds; opening models takes the longest. */
const patience = 60;

export interface Asking {
  /** @throws Error if no answer comes */
  modalities(place: string, set: readonly string[]): Promise<ModalitiesResponse>;
  /** @throws Error if no answer comes */
  model(
    request: { action: 'activate'; model: string } | { action: 'rollback'; modality: string },
  ): Promise<ModelResponse>;
}

export async function asking(client: mqtt.MqttClient, gateway: string): Promise<Asking> {
  const waiting = new Map<string, (answer: unknown) => void>();
  const topics = (['modalities', 'model'] as const).map((kind) => responseTopic(gateway, kind));
  client.on('message', (topic, payload) => {
    if (!topics.includes(topic)) return;
    const answer: unknown = JSON.parse(payload.toString());
    const { transaction } = z.object({ transaction: z.string() }).parse(answer);
    waiting.get(transaction)?.(answer);
    waiting.delete(transaction);
  });
  await client.subscribeAsync(topics, { qos: 1 });

  let last = 0;
  function ask(kind: RequestKind, request: object): Promise<unknown> {
    const transaction = String(++last);
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no answer to ${kind} within ${patience} s`)), patience * 1000);
      waiting.set(transaction, (answer) => {
        clearTimeout(late);
        resolve(answer);
      });
      client
        .publishAsync(requestTopic(gateway, kind), JSON.stringify({ ...request, transaction }), { qos: 1 })
        .catch(reject);
    });
  }
  return {
    modalities: async (place, set) => modalitiesResponse.parse(await ask('modalities', { place, set })),
    model: async (request) => modelResponse.parse(await ask('model', request)),
  };
}
