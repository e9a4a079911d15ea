/** One connection to an MQTT broker, from its opening to its end. Nothing of it outlives it: no queue, no retry. */
import { Socket } from 'node:net';
import { connect } from 'mqtt';
import { largestInstall } from './topics.js';

export interface BrokerAddress {
  /** `mqtt://` or `mqtts://` with host and port, without credentials: fit for a log. */
  readonly url: string;
  readonly username?: string;
  readonly password?: string;
}

export interface Message {
  readonly topic: string;
  readonly payload: string;
}

/** As it came: anything. */
export interface IncomingRequest {
  readonly topic: string;
  readonly payload: Uint8Array;
}

export interface BrokerConnection {
  /** Sends a retained message with QoS 0. @returns false if the broker takes so little that it was not sent */
  update(message: Message): boolean;
  /** Sends retained messages with QoS 1, in order; resolves when the broker has confirmed all, rejects if it does not. */
  confirmed(messages: Message[]): Promise<void>;
  /** Sends a message with QoS 1 that the broker does not keep. */
  event(message: Message): void;
  /** Ends at once, as a crash would: the broker publishes the last will. */
  end(reason: string): void;
  /** Says goodbye: the broker drops the last will. Rejects or never resolves where the broker is gone. */
  finish(): Promise<void>;
  /** Resolves at the end with the reason, which says what to do. Never rejects. */
  readonly ended: Promise<string>;
}

/** A broker that confirms nothing for so long is taken as gone. */
const confirmationMilliseconds = 20_000;
/** Bytes that may wait in the socket; above it, the broker is slow and updates are left out. */
const mostUnsentBytes = 256 * 1024;
/** A connection that the broker closes earlier was perhaps taken over by another client of this name. */
const soonMilliseconds = 5000;

/** @throws Error that says what a valid address looks like */
export function brokerAddress(url: string, username?: string, password?: string): BrokerAddress {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed?.hostname || !['mqtt:', 'mqtts:'].includes(parsed.protocol))
    throw new Error(
      `'${withoutCredentials(url)}' is not the address of an MQTT broker; it looks like mqtt://192.168.1.10:1883, or mqtts:// for TLS`,
    );
  const name = username ?? decodeURIComponent(parsed.username);
  const secret = password ?? decodeURIComponent(parsed.password);
  parsed.username = '';
  parsed.password = '';
  return { url: parsed.href, ...(name && { username: name }), ...(secret && { password: secret }) };
}

function withoutCredentials(url: string): string {
  return url.replace(/\/\/[^/]*@/, '//');
}

/** Begins to connect; `onOpen` is called once the broker has accepted. */
export function openConnection(
  address: BrokerAddress,
  gateway: string,
  will: Message,
  onOpen: () => void,
  requests: { readonly topic: string; readonly onMessage: (request: IncomingRequest) => void },
): BrokerConnection {
  const { url, ...credentials } = address;
  const client = connect(url, {
    ...credentials,
    // The same at each connection, so that the broker ends a half-open earlier one, and its last will comes before what follows.
    clientId: `babel-gateway-${gateway}`,
    clean: true,
    reconnectPeriod: 0,
    queueQoSZero: false,
    keepalive: 20,
    connectTimeout: 10_000,
    will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: true },
  });
  let over = false;
  let openedAt: number | undefined;
  let resolveEnded!: (reason: string) => void;
  const ended = new Promise<string>((resolve) => (resolveEnded = resolve));
  /** Rejects a call that waits for confirmations; one for each. */
  const givingUp = new Set<() => void>();
  const end = (reason: string) => {
    if (over) return;
    over = true;
    for (const giveUp of givingUp) giveUp();
    client.end(true);
    // `end` does nothing where a goodbye is under way that the broker does not answer.
    client.stream.destroy();
    resolveEnded(reason);
  };
  client.on('connect', () => {
    if (over) return;
    openedAt = performance.now();
    // A label must not wait until the broker has acknowledged the one before (Nagle's algorithm: up to 40 ms).
    if (client.stream instanceof Socket) client.stream.setNoDelay(true);
    // Before anything is said: who hears that the gateway is online may ask at once.
    client.subscribe(requests.topic, { qos: 1 });
    onOpen();
  });
  client.on('message', (topic, payload, { retain }) => {
    // A request that the broker kept was made to nobody, or long ago.
    if (!over && !retain && payload.length <= largestInstall) requests.onMessage({ topic, payload });
  });
  client.on('error', (error) => end(explain(error, url)));
  client.on('close', () => {
    const soon = openedAt !== undefined && performance.now() - openedAt < soonMilliseconds;
    end(
      soon
        ? `the MQTT broker at ${url} closed the connection soon after it was opened; if this goes on, see whether another gateway named ${gateway} uses the same broker, and the broker's log`
        : `the MQTT broker at ${url} closed the connection`,
    );
  });

  return {
    update: ({ topic, payload }) => {
      if (over || client.stream.writableLength > mostUnsentBytes) return false;
      client.publish(topic, payload, { qos: 0, retain: true });
      return true;
    },
    event: ({ topic, payload }) => {
      if (!over) client.publish(topic, payload, { qos: 1 });
    },
    confirmed: async (messages) => {
      if (over) throw new Error('the connection has ended');
      let giveUp!: () => void;
      const given = new Promise<never>((_resolve, reject) => {
        giveUp = () => reject(new Error('the connection has ended'));
      });
      givingUp.add(giveUp);
      const timer = setTimeout(() => {
        end(`the MQTT broker at ${url} confirms no messages; see its log`);
      }, confirmationMilliseconds);
      const sent = messages.map(({ topic, payload }) => client.publishAsync(topic, payload, { qos: 1, retain: true }));
      try {
        await Promise.race([Promise.all(sent), given]);
      } finally {
        clearTimeout(timer);
        givingUp.delete(giveUp);
      }
    },
    end,
    finish: () => client.endAsync(),
    ended,
  };
}

/** CONNACK return codes of MQTT 3.1.1, section 3.2.2.3, or Node.js' error codes. */
function explain(error: Error & { code?: unknown }, url: string): string {
  const at = `the MQTT broker at ${url}`;
  switch (error.code) {
    case 'ECONNREFUSED':
      return `${at} does not answer (ECONNREFUSED): start it, or correct mqtt.broker`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${at}: its host name is not known (${error.code}); correct mqtt.broker, or use its IP address`;
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ETIMEDOUT':
      return `${at} cannot be reached (${error.code}): check the network and mqtt.broker`;
    case 1:
      return `${at} does not speak MQTT 3.1.1; allow it there`;
    case 2:
      return `${at} refuses this client's name, which begins with babel-gateway-; allow it there`;
    case 3:
      return `${at} says that it is not available now`;
    case 4:
    case 5:
      return `${at} refuses the user name or password; correct mqtt.username and mqtt.password`;
  }
  if (error.message === 'connack timeout')
    return `${at} accepts connections but does not answer; see whether an MQTT broker listens there, with or without TLS as mqtt.broker says`;
  if (/certificate|self.signed|SSL|TLS/i.test(`${error.message} ${String(error.code)}`))
    return `${at}: no TLS connection (${error.message}); name the file with its certificate authority in the environment variable NODE_EXTRA_CA_CERTS, or correct mqtt.broker`;
  const code = typeof error.code === 'string' ? ` (${error.code})` : '';
  return `the connection to ${at} failed: ${error.message || 'no reason given'}${code}`;
}
