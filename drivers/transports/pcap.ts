/** UDP datagrams as they pass a network interface, or from a capture file.
 *
 * An interface is listened to with the optional package `pcap` (libpcap), for devices whose datagrams no socket gets: Nexmon's come
 * with a made-up sender, others go to another machine. That happens in a process of its own, `pcap-child.ts`, which sends what a
 * capture file would hold; the same reader serves both. */
import { fork } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { isIP, SocketAddress } from 'node:net';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { deliverTo } from './delivery.js';
import { captureReader, type CapturedDatagram, type CaptureReader } from './pcap-file.js';
import type { CaptureMessage } from './pcap-child.js';
import { play, repeated, speedSetting, type RecordedBytes } from './playback.js';
import { monotonicSeconds, type Connection, type Transport, type TransportHandlers } from './transport.js';

const settings = z
  .strictObject({
    type: z.literal('pcap'),
    interface: z
      .string()
      .min(1)
      .optional()
      .describe('Network interface that is listened to, for instance `wlan0`. Either this or `file`.'),
    file: z.string().min(1).optional().describe('Capture file that is played: pcap or pcapng, not compressed.'),
    port: z
      .int()
      .min(1)
      .max(65535)
      .optional()
      .describe("Port that the device sends to; without it, the driver's usual one."),
    from: z
      .string()
      .refine((text) => isIP(text) !== 0, 'expected an IP address, for instance 192.168.1.20')
      .optional()
      .describe('Takes only what this address sends.'),
    speed: speedSetting,
    repeat: z
      .boolean()
      .default(false)
      .describe('Plays `file` again and again, for demonstrations: what comes after its end was not measured so.'),
  })
  .refine(({ repeat, speed }) => !repeat || speed !== 'fastest', 'with repeat, speed must be a number')
  .refine(
    (value) => (value.interface === undefined) !== (value.file === undefined),
    'expected either interface (to listen) or file (to play)',
  );
export type PcapSettings = z.infer<typeof settings>;

export const pcap = {
  name: 'pcap',
  settings,
  async open({ interface: device, file, port, from, speed, repeat }, handlers) {
    if (port === undefined) throw new Error('pcap: which port? Give the one that the device sends to');
    // Addresses of IPv6 are written in several ways.
    const sender =
      from && new SocketAddress({ address: from, family: isIP(from) === 6 ? 'ipv6' : 'ipv4' }).address.toLowerCase();
    const wanted = (one: CapturedDatagram) =>
      one.destinationPort === port && (sender === undefined || one.sourceAddress === sender);
    if (file !== undefined) return playFile(file, port, { speed, repeat }, wanted, handlers);
    if (device === undefined) throw new Error('pcap: which interface? `ip -brief link` lists them');
    return listen(device, port, wanted, handlers);
  },
} satisfies Transport<PcapSettings>;

async function playFile(
  file: string,
  port: number,
  { speed, repeat }: Pick<PcapSettings, 'speed' | 'repeat'>,
  wanted: (one: CapturedDatagram) => boolean,
  handlers: TransportHandlers,
): Promise<Connection> {
  const name = `pcap ${file}`;
  const describe = (error: unknown) => describeFileError(name, error);
  const reader = captureReader();
  const datagrams = datagramsOf(file, reader);
  // The first one is waited for, so that a file which is none is refused here.
  const first = await datagrams.next().catch((error: unknown) => {
    throw new Error(describe(error), { cause: error });
  });
  const { failures } = reader.counters;
  if (failures.notACapture > 0)
    throw new Error(`${name}: this is not a capture file (pcap or pcapng). Is it compressed?`);
  let played = 0;
  async function* wantedOf(
    begun: IteratorResult<CapturedDatagram, void>,
    rest: AsyncGenerator<CapturedDatagram, void>,
  ): AsyncGenerator<RecordedBytes> {
    try {
      for (let next = begun; next.done !== true; next = await rest.next()) {
        const { time, payload } = next.value;
        if (!wanted(next.value)) continue;
        played++;
        yield { bytes: payload, arrivalTime: time };
      }
    } finally {
      await rest.return();
    }
  }
  // What is wrong with the file is counted in the first round only: in the others it is the same.
  async function* again(): AsyncGenerator<RecordedBytes> {
    const rest = datagramsOf(file, captureReader());
    yield* wantedOf(await rest.next(), rest);
  }
  const source = wantedOf(first, datagrams);
  const ended = () => {
    if (played === 0)
      return `${name}: none of its ${reader.counters.datagrams} datagrams is for port ${port}${reader.counters.datagrams === 0 ? '' : '. Which one does the device send to, and from where?'}`;
    if (failures.damaged > 0) return `${name}: the file is damaged; what comes before was played`;
    return reader.waiting > 0 ? `${name} was played to its end, which is cut off` : undefined;
  };
  const connection = play(repeat ? repeated(source, again) : source, { name, speed, describe, ended }, handlers);
  return {
    ...connection,
    get failures() {
      return { ...failures };
    },
  };
}

async function* datagramsOf(file: string, reader: CaptureReader): AsyncGenerator<CapturedDatagram, void> {
  for await (const bytes of createReadStream(file, { highWaterMark: 256 * 1024 })) {
    yield* reader.push(bytes as Buffer);
    if (!reader.readable) return;
  }
}

function describeFileError(name: string, error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  const remedies: Record<string, string | undefined> = {
    ENOENT: 'no such file',
    EISDIR: 'this is a folder, not a capture file',
    EACCES: 'permission denied: may the user that runs the gateway read it?',
  };
  return `${name}: ${remedies[code] ?? message}`;
}

/** Seconds for the listening process to begin. */
const patience = 10;

async function listen(
  device: string,
  port: number,
  wanted: (one: CapturedDatagram) => boolean,
  handlers: TransportHandlers,
): Promise<Connection> {
  const name = `pcap ${device}`;
  // Fragments but the first have no port: they all come, and are put together here.
  const filter = `udp port ${port} or (ip[6:2] & 0x3fff != 0) or (ip6[6] == 44)`;
  const child = fork(fileURLToPath(new URL('./pcap-child.js', import.meta.url)), [device, filter], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    execArgv: [],
  });
  const exited = new Promise<void>((resolve) => void child.once('close', () => resolve()));
  let problem: string | undefined;
  let droppedByKernel = 0;
  let stopped = false;

  const reader = captureReader();
  const delivery = deliverTo(handlers);
  child.stdout!.on('data', (bytes: Buffer) => {
    const now = monotonicSeconds();
    for (const datagram of reader.push(bytes)) if (wanted(datagram)) delivery.onBytes(datagram.payload, now);
  });
  const begun = new Promise<void>((resolve) => {
    child.on('message', (message: CaptureMessage) => {
      if (message.kind === 'open') resolve();
      else if (message.kind === 'dropped') droppedByKernel = message.packets;
      else problem = message.text;
    });
  });
  child.on('error', (error) => {
    problem ??= `${name}: ${error.message}`;
  });

  const late = setTimeout(() => {
    problem ??= `${name}: listening did not begin within ${patience} s`;
    child.kill('SIGKILL');
  }, patience * 1000);
  const reason = () => problem ?? `${name}: the listening process ended`;
  await Promise.race([
    begun,
    exited.then(() => {
      throw new Error(reason());
    }),
  ]).finally(() => clearTimeout(late));
  void exited.then(() => {
    if (!stopped) delivery.onClose(reason());
  });

  return {
    get failures() {
      const { unknownLinkType, cutPackets, badPackets, incompleteDatagrams } = reader.counters.failures;
      const { lostMessages } = delivery.failures;
      return { unknownLinkType, cutPackets, badPackets, incompleteDatagrams, droppedByKernel, lostMessages };
    },
    write: () => Promise.reject(new Error(`${name}: a capture only listens; it takes no bytes`)),
    async close() {
      stopped = true;
      delivery.stop();
      child.kill('SIGKILL');
      await exited;
    },
  };
}
