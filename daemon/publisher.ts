/** Publishes status, activities and sensor health to an MQTT broker, and loses no activity change while it is away.
 *
 *    change ──▶ outbox (disk) ──▶ QoS 1, in order ──▶ PUBACK ──▶ removed from the outbox
 *    window update ──▶ QoS 0, after the changes before it are confirmed; dropped while not connected: a later one replaces it
 *    status, sensor health ──▶ newest kept, sent at once if connected, and again at each connection
 *
 *  Nothing is queued but in the outbox: a connection that ends takes what it had not confirmed with it. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import {
  brokerAddress,
  openConnection,
  type BrokerConnection,
  type IncomingRequest,
  type Message,
} from './broker-connection.js';
import { monotonicSeconds } from '../drivers/transports/transport.js';
import { openOutbox } from './outbox.js';
import {
  activityTopic,
  modalitiesTopic,
  requestKinds,
  requestTopic,
  responseTopic,
  sensorTopic,
  statusTopic,
  type ActivityMessage,
  type GatewayStatus,
  type PlaceModalities,
  type RequestKind,
  type SensorHealth,
} from './topics.js';

export interface PublisherOptions {
  gateway: string;
  /** `mqtt://` or `mqtts://`. */
  url: string;
  username?: string | undefined;
  password?: string | undefined;
  /** Where changes wait for the broker; made where absent. */
  outboxDirectory: string;
  /** Most changes to keep. */
  outboxBound?: number;
  /** A request came. @returns the answer; must not reject */
  onRequest?: (kind: RequestKind, payload: Uint8Array) => Promise<object>;
  log: Logger;
}

/** What is told by whoever finds the activity; the publisher numbers it. */
export type Activity = Omit<ActivityMessage, 'sequence' | 'change'>;

export interface PublisherStatistics {
  connected: boolean;
  /** Times that the broker went away or could not be reached at the start. */
  outages: number;
  /** Changes that the broker confirmed. */
  delivered: number;
  /** Changes that wait for the broker. */
  waiting: number;
  /** Changes that were dropped, the oldest first, because too many waited. */
  dropped: number;
  /** Changes that could not be stored on the disk; they are sent, but not kept, and lost during an outage. */
  notStored: number;
  /** Window updates that were not sent, because of an outage or of a broker that takes too little: a later one replaced them. */
  superseded: number;
}

export interface Publisher {
  /**
   * @param change whether the activity is another than before; the first of a place is always taken as one
   * @returns for a change when it is safely stored, else at once; never rejects
   */
  publishActivity(place: string, activity: Activity, kind: { change: boolean }): Promise<void>;
  publishSensor(name: string, health: SensorHealth): void;
  publishModalities(place: string, modalities: PlaceModalities): void;
  publishStatus(status: Omit<GatewayStatus, 'state'>): void;
  connected(): boolean;
  statistics(): PublisherStatistics;
  /** Publishes offline if connected and ends, within a second. Changes not yet delivered are delivered after the next start. */
  close(): Promise<void>;
}

/** Changes sent before the first of them is confirmed. */
const mostInFlight = 16;
/** Updates that wait for the changes before them to be confirmed. */
const mostPostponed = 64;
const firstRetryMilliseconds = 500;
const longestRetryMilliseconds = 10_000;
/** A connection that lasts so long ends an outage; one that breaks earlier belongs to it. */
const steadyMilliseconds = 2000;

/** @throws Error that says what to do, if the address is not valid or the outbox cannot be opened */
export async function createPublisher(options: PublisherOptions): Promise<Publisher> {
  const { gateway, log } = options;
  const address = brokerAddress(options.url, options.username, options.password);
  const outbox = await openOutbox({
    directory: options.outboxDirectory,
    log,
    ...(options.outboxBound !== undefined && { bound: options.outboxBound }),
  });

  const counts = { outages: 0, delivered: 0, notStored: 0, superseded: 0 };
  let status: GatewayStatus = { state: 'online' };
  /** Newest message of each place since the start, with the number of its change. */
  const newest = new Map<string, { activity: Activity; sequence: number }>();
  /** Newest health of each sensor and modalities of each place, by topic, and what of it was not sent in this session. */
  const states = new Map<string, object>();
  const unsentStates = new Set<string>();
  /** Updates that must not overtake a change, with the number of the newest change before each. */
  let postponed: { after: number; topic: string; message: ActivityMessage }[] = [];
  /** Number of the newest change that was stored. */
  let stored = 0;
  /** Places whose change is being stored, as often as it is. */
  const appending: string[] = [];
  let storeFails = false;
  /** Being opened or open. */
  let connection: BrokerConnection | undefined;
  /** The same, once the broker has accepted it. */
  let session: BrokerConnection | undefined;
  /** Whether the newest message of each place was sent in this session. */
  let refreshed = false;
  let delivery: Promise<void> | undefined;
  const closing = new AbortController();

  function sendUpdate(topic: string, message: object): boolean {
    return session?.update({ topic, payload: JSON.stringify(message) }) ?? false;
  }

  function sendStates(): void {
    for (const topic of unsentStates) if (sendUpdate(topic, states.get(topic)!)) unsentStates.delete(topic);
  }

  function keepState(topic: string, state: object): void {
    states.set(topic, state);
    unsentStates.add(topic);
    sendStates();
  }

  function answer({ topic, payload }: IncomingRequest): void {
    const kind = requestKinds.find((one) => requestTopic(gateway, one) === topic);
    if (kind === undefined) return;
    void options.onRequest?.(kind, payload).then((response) => {
      session?.event({ topic: responseTopic(gateway, kind), payload: JSON.stringify(response) });
    });
  }

  function sendStatus(): void {
    if (closing.signal.aborted) return;
    const current = session;
    current?.confirmed([statusMessage(status)]).catch((error: unknown) => current.end((error as Error).message));
  }

  function statusMessage(message: GatewayStatus): Message {
    return { topic: statusTopic(gateway), payload: JSON.stringify(message) };
  }

  /** Sends what waits in the outbox until it is empty or the connection ends. One runs at a time. */
  function deliver(): void {
    delivery ??= deliverAll().finally(() => {
      delivery = undefined;
      if (session && (outbox.size > 0 || !refreshed)) deliver();
    });
  }

  function postpone(topic: string, message: ActivityMessage): void {
    postponed.push({ after: stored, topic, message });
    if (postponed.length > mostPostponed) {
      postponed.shift();
      counts.superseded++;
    }
  }

  /** Sends the postponed updates that follow confirmed changes only. */
  function sendPostponed(confirmed: number): void {
    while (postponed[0] && postponed[0].after <= confirmed) {
      const { topic, message } = postponed.shift()!;
      if (!sendUpdate(topic, message)) counts.superseded++;
    }
  }

  function dropPostponed(): void {
    counts.superseded += postponed.length;
    postponed = [];
  }

  async function deliverAll(): Promise<void> {
    while (session && outbox.size > 0) {
      const current = session;
      try {
        const all = await outbox.peek(mostInFlight);
        sendPostponed(all[0]!.sequence - 1);
        const until = postponed[0]?.after ?? Infinity;
        const entries = all.filter(({ sequence }) => sequence <= until);
        await current.confirmed(entries.flatMap(({ sequence, text }) => changeMessage(sequence, text)));
        await outbox.acknowledge(entries.at(-1)!.sequence);
        counts.delivered += entries.length;
      } catch (error) {
        current.end((error as Error).message);
        if (session === current) session = undefined;
      }
    }
    if (session) sendPostponed(Infinity);
    // A broker that was started anew may have forgotten what was retained.
    if (session && !refreshed) {
      refreshed = true;
      for (const [place, { activity, sequence }] of newest)
        sendUpdate(activityTopic(gateway, place), { ...activity, sequence, change: false });
    }
  }

  function changeMessage(sequence: number, text: string): Message[] {
    try {
      const { place, activity } = JSON.parse(text) as { place: string; activity: Activity };
      const message: ActivityMessage = { ...activity, sequence, change: true };
      return [{ topic: activityTopic(gateway, place), payload: JSON.stringify(message) }];
    } catch {
      log.error({ sequence }, 'a stored activity change is damaged and was left out');
      return [];
    }
  }

  async function publishChange(place: string, activity: Activity): Promise<void> {
    appending.push(place);
    try {
      const { sequence, failure } = await outbox.append(JSON.stringify({ place, activity }));
      stored = sequence;
      newest.set(place, { activity, sequence });
      if (failure) {
        counts.notStored++;
        if (!storeFails && !closing.signal.aborted)
          log.error(
            { reason: failure.message, directory: options.outboxDirectory },
            'activity changes cannot be stored, and are lost while the broker is away: check free space and permissions',
          );
        if (outbox.size === 0) sendUpdate(activityTopic(gateway, place), { ...activity, sequence, change: true });
      }
      storeFails = failure !== undefined;
    } finally {
      appending.splice(appending.indexOf(place), 1);
    }
    deliver();
  }

  async function stayConnected(): Promise<void> {
    let failures = 0;
    let outageSince: number | undefined;
    /** Reasons that were logged in this outage. */
    const told = new Set<string>();
    while (!closing.signal.aborted) {
      let steady: NodeJS.Timeout | undefined;
      const opened = () => {
        session = connection;
        refreshed = false;
        for (const topic of states.keys()) unsentStates.add(topic);
        sendStatus();
        sendStates();
        deliver();
        steady = setTimeout(() => {
          const away = outageSince === undefined ? {} : { awaySeconds: Math.round(monotonicSeconds() - outageSince) };
          log.info({ broker: address.url, ...away, waiting: outbox.size }, 'connected to the MQTT broker');
          failures = 0;
          outageSince = undefined;
          told.clear();
        }, steadyMilliseconds);
      };
      connection = openConnection(address, gateway, statusMessage({ state: 'offline' }), opened, {
        topic: `babel/${gateway}/request/+`,
        onMessage: answer,
      });
      const reason = await connection.ended;
      clearTimeout(steady);
      session = undefined;
      dropPostponed();
      // A plain read would be narrowed to the loop's condition.
      if (closing.signal.aborted as boolean) break;
      if (outageSince === undefined) {
        outageSince = monotonicSeconds();
        counts.outages++;
      }
      if (!told.has(reason)) {
        told.add(reason);
        log.warn(
          { broker: address.url, waiting: outbox.size },
          `${reason}. Activity changes are kept until it is back`,
        );
      }
      const pause = Math.min(longestRetryMilliseconds, firstRetryMilliseconds * 2 ** failures++);
      await delay(pause * (0.75 + Math.random() / 2), undefined, { signal: closing.signal }).catch(() => undefined);
    }
  }

  const stayingConnected = stayConnected();

  async function close(): Promise<void> {
    closing.abort();
    const current = session;
    if (current) {
      // What was handed over before: first stored, then sent.
      await atMost(
        400,
        outbox.peek(0).then(() => delivery),
      );
      await atMost(300, current.confirmed([statusMessage({ state: 'offline' })]));
      await atMost(200, current.finish());
    }
    connection?.end('closed');
    await stayingConnected;
    await outbox.close();
  }

  let closed: Promise<void> | undefined;
  return {
    publishActivity: async (place, activity, { change }) => {
      const before = newest.get(place);
      if (change || !before) {
        await publishChange(place, activity);
        return;
      }
      const message: ActivityMessage = { ...activity, sequence: before.sequence, change: false };
      if (appending.includes(place)) {
        counts.superseded++;
        return;
      }
      newest.set(place, { activity, sequence: before.sequence });
      const topic = activityTopic(gateway, place);
      if (session && (outbox.size > 0 || postponed.length > 0)) postpone(topic, message);
      else if (!sendUpdate(topic, message)) counts.superseded++;
      sendStates();
    },
    publishSensor: (name, health) => keepState(sensorTopic(gateway, name), health),
    publishModalities: (place, modalities) => keepState(modalitiesTopic(gateway, place), modalities),
    publishStatus: (details) => {
      status = { state: 'online', ...details };
      sendStatus();
    },
    connected: () => session !== undefined,
    statistics: () => ({ connected: session !== undefined, ...counts, waiting: outbox.size, dropped: outbox.dropped }),
    close: () => (closed ??= close()),
  };
}

async function atMost(milliseconds: number, work: Promise<unknown> | undefined): Promise<void> {
  const stop = new AbortController();
  await Promise.race([work, delay(milliseconds, undefined, { signal: stop.signal })]).catch(() => undefined);
  stop.abort();
}
