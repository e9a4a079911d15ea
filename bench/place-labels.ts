/** The labels of one place as they come to a subscriber. */
import { setTimeout as wait } from 'node:timers/promises';
import type mqtt from 'mqtt';
import { activityMessage, activityTopic } from '../daemon/topics.js';
import type { ActivityMessage } from '../daemon/topics.js';
import { monotonicSeconds, wallClockOffset } from '../drivers/transports/transport.js';

export interface Label {
  readonly message: ActivityMessage;
  /** Start and end of its window, Unix time in seconds. */
  readonly start: number;
  readonly end: number;
  /** When it came, Unix time in seconds, by the wall clock as it was set at the beginning. */
  readonly at: number;
}

export interface PlaceLabels {
  /** In the order in which they came. */
  readonly all: readonly Label[];
  /** Messages that no sensor of the place gives windows any more. */
  readonly interruptions: number;
  /** The first label from now on that fits. @throws Error if none comes in time */
  next(fits: (label: Label) => boolean, seconds: number, what: string): Promise<Label>;
}

/** What was retained before is left out. */
export async function placeLabels(client: mqtt.MqttClient, gateway: string, place: string): Promise<PlaceLabels> {
  const offset = wallClockOffset();
  const topicOfPlace = activityTopic(gateway, place);
  const all: Label[] = [];
  let interruptions = 0;
  client.on('message', (topic, payload, { retain }) => {
    const at = monotonicSeconds() + offset;
    if (topic !== topicOfPlace || retain) return;
    const message = activityMessage.parse(JSON.parse(payload.toString()));
    const { start, end } = message.window;
    if (start === end) interruptions++;
    else all.push({ message, start: Date.parse(start) / 1000, end: Date.parse(end) / 1000, at });
  });
  await client.subscribeAsync(topicOfPlace, { qos: 1 });
  return {
    all,
    get interruptions() {
      return interruptions;
    },
    async next(fits, seconds, what) {
      const until = monotonicSeconds() + seconds;
      for (let i = all.length; ;) {
        for (; i < all.length; i++) if (fits(all[i]!)) return all[i]!;
        if (monotonicSeconds() > until) throw new Error(`${what}: no such label within ${seconds} s`);
        await wait(20);
      }
    },
  };
}

/** Whether exactly these modalities contributed. */
export function isOf({ message }: Label, set: readonly string[]): boolean {
  return (
    message.modalities.length === set.length && set.every((one) => message.modalities.some((other) => other === one))
  );
}
