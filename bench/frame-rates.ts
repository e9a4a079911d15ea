/** Whether devices really run at their rates: frames a second that the gateway received, by its own count. */
import type mqtt from 'mqtt';
import { sensorHealth, sensorTopic } from '../daemon/topics.js';

export interface FrameRates {
  /** From now on. */
  begin(): void;
  /** Frames a second since then, of each sensor that has told its health twice meanwhile (each 5 s). */
  rates(): Record<string, number>;
}

export async function frameRates(client: mqtt.MqttClient, gateway: string): Promise<FrameRates> {
  interface Count {
    readonly frames: number;
    readonly at: number;
  }
  const counts = new Map<string, { first: Count; last: Count }>();
  const above = sensorTopic(gateway, '');
  client.on('message', (topic, payload, { retain }) => {
    if (!topic.startsWith(above) || retain) return;
    const count = { frames: sensorHealth.parse(JSON.parse(payload.toString())).frames, at: performance.now() / 1000 };
    const name = topic.slice(above.length);
    counts.set(name, { first: counts.get(name)?.first ?? count, last: count });
  });
  await client.subscribeAsync(sensorTopic(gateway, '+'));
  return {
    begin: () => counts.clear(),
    rates: () =>
      Object.fromEntries(
        [...counts].flatMap(([name, { first, last }]) => {
          const seconds = last.at - first.at;
          return seconds > 0 ? [[name, Number(((last.frames - first.frames) / seconds).toFixed(1))]] : [];
        }),
      ),
  };
}
