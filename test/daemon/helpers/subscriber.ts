import { connectAsync } from 'mqtt';
import type { ActivityMessage } from '../../../daemon/topics.js';

export interface Received {
  topic: string;
  payload: unknown;
  retained: boolean;
  qos: number;
}

export interface Subscriber {
  readonly received: Received[];
  end(): Promise<void>;
}

/** A subscriber with QoS 1; with `session`, the broker keeps what it missed while it was away. */
export async function subscribe(url: string, filter: string, session?: string): Promise<Subscriber> {
  const client = await connectAsync(url, {
    reconnectPeriod: 100,
    ...(session !== undefined && { clientId: session, clean: false }),
  });
  // While its broker is killed.
  client.on('error', () => undefined);
  const received: Received[] = [];
  client.on('message', (topic, payload, packet) =>
    received.push({
      topic,
      payload: JSON.parse(payload.toString()) as unknown,
      retained: packet.retain,
      qos: packet.qos,
    }),
  );
  await client.subscribeAsync(filter, { qos: 1 });
  return { received, end: () => client.endAsync(true) };
}

/** The activity changes among what was received, redeliveries left out as a subscriber would: by their number. */
export function changes(received: Received[]): ActivityMessage[] {
  let last = -1;
  return received
    .filter(({ topic }) => topic.endsWith('/activity'))
    .map(({ payload }) => payload as ActivityMessage)
    .filter(({ change, sequence }) => {
      if (!change || sequence <= last) return false;
      last = sequence;
      return true;
    });
}
