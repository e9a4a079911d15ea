/** What a sensor's transport and files need of the machine, looked at before the device is opened. */
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { findDriver } from '../../drivers/registry.js';
import { loadPcap } from '../../drivers/transports/pcap-library.js';
import type { TransportSettings } from '../../drivers/transports/registry.js';
import type { SensorConfig } from '../config.js';
import { driverFilePaths, readDriverFiles } from '../driver-files.js';
import { note, ok, output, problem } from './finding.js';
import type { Finding } from './finding.js';

/** @param about for instance `sensor wrist` */
export async function* requirements(
  about: string,
  { driver, settings, transport }: SensorConfig,
): AsyncGenerator<Finding> {
  // A recording brings the files with it.
  if (transport?.type !== 'recording') yield* driverFiles(about, driver, settings);
  if (transport?.type === 'pcap' && transport.interface !== undefined) yield* listening(about);
  if (transport?.type === 'v4l2') yield* camera(about, transport.device);
}

async function* driverFiles(about: string, name: string, settings: unknown): AsyncGenerator<Finding> {
  const driver = findDriver(name)!;
  if (driver.files === undefined) return;
  try {
    driver.decoder(settings, await readDriverFiles(driver, settings));
    for (const [key, path] of driverFilePaths(driver, settings)) yield ok(`${about}: ${key}`, `${path} is understood`);
  } catch (error) {
    yield problem(`${about}: ${driver.files.join(', ')}`, error);
  }
}

const capNetRaw = 13; // linux/capability.h

async function* listening(about: string): AsyncGenerator<Finding> {
  try {
    await loadPcap('pcap');
    yield ok(`${about}: libpcap`, 'the package pcap loads');
  } catch (error) {
    yield problem(`${about}: libpcap`, error);
  }
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1];
  if (effective === undefined) return; // not Linux
  yield ((BigInt(`0x${effective}`) >> BigInt(capNetRaw)) & 1n) === 1n
    ? ok(`${about}: CAP_NET_RAW`, 'this user may listen to network interfaces')
    : problem(
        `${about}: CAP_NET_RAW`,
        'this user may not listen to network interfaces: `sudo setcap cap_net_raw+ep "$(readlink -f "$(which node)")"`; for the service, the drop-in of docs/transports.md',
      );
}

async function* camera(about: string, device: string): AsyncGenerator<Finding> {
  const formats = await output('v4l2-ctl', [`--device=${device}`, '--list-formats']);
  if (formats === undefined) yield problem(`${about}: v4l2-ctl`, 'the program is missing: sudo apt install v4l-utils');
  else {
    const found = formatsOf(formats.text);
    // What is wrong with the device, the opening tells with its remedy.
    if (found.length > 0)
      yield (found.some((one) => one.startsWith('Z16')) ? ok : note)(
        `${about}: formats`,
        `${device} gives ${found.join(', ')}`,
      );
  }
}

/** Of `v4l2-ctl --list-formats`, lines such as `[0]: 'Z16 ' (16-bit Depth)`. */
export function formatsOf(text: string): string[] {
  return [...text.matchAll(/\[\d+\]:? '([^']+)'(?: \(([^)]*)\))?/g)].map(([, name, words]) =>
    words === undefined ? name!.trim() : `${name!.trim()} (${words})`,
  );
}

/** Transports at which the gateway waits for whoever comes to send: nobody need be there now. */
export function waitsForSender({ type }: TransportSettings): boolean {
  return ['http', 'websocket', 'mqtt', 'zmq'].includes(type);
}

const publisherPatience = 3; // seconds

/** What more can be said of a publisher that sends nothing. */
export async function publisherState({ endpoint }: Extract<TransportSettings, { type: 'zmq' }>): Promise<string> {
  const [, host, port] = /^tcp:\/\/\[?(.+?)\]?:(\d+)$/.exec(endpoint) ?? [];
  const path = /^ipc:\/\/(.+)$/.exec(endpoint)?.[1];
  if (path?.startsWith('@') === true) return '';
  const reason = await new Promise<string | undefined>((resolve) => {
    const socket = path === undefined ? connect({ host: host!, port: Number(port) }) : connect({ path });
    const done = (reason?: string) => {
      socket.destroy();
      resolve(reason);
    };
    socket.setTimeout(publisherPatience * 1000, () => done('no answer'));
    socket.on('connect', () => done());
    socket.on('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
  });
  return reason === undefined
    ? 'somebody is there, but publishes nothing that is taken: is `topic` right?'
    : `nobody publishes at ${endpoint} (${reason}): is the program started, and this its address?`;
}
