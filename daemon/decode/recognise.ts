/** Which driver a capture of unknown origin is for. */
import type { Driver } from '../../drivers/driver.js';
import { drivers } from '../../drivers/registry.js';
import { pieces } from './capture.js';
import type { Container } from './capture.js';

/** Pieces that are looked at: devices send some kinds of packet seldom. */
const mostPieces = 500;

export interface Recognised {
  readonly driver: Driver;
  /** Of a network capture: the UDP port on which the device's datagrams are. */
  readonly port?: number;
}

/** Names that a person can choose from. */
const names = (list: readonly Driver[]) => list.map(({ name }) => name).join(', ');

/**
 * @param wanted looks for this one's port only
 * @throws Error with one line if no driver, or more than one, takes the bytes for its own
 */
export async function recognise(file: string, container: Container, wanted?: Driver): Promise<Recognised> {
  const votes = new Map<Driver, Map<number | undefined, number>>();
  let looked = 0;
  for await (const { bytes, port } of pieces(file, container)) {
    for (const driver of wanted ? [wanted] : drivers) {
      if (driver.recognises?.(bytes) !== true) continue;
      const ports = votes.get(driver) ?? new Map<number | undefined, number>();
      votes.set(driver, ports.set(port, (ports.get(port) ?? 0) + 1));
    }
    // Only the beginning of a stream is sure to be a packet's.
    if (++looked >= mostPieces || container === 'raw') break;
  }
  const best = [...votes]
    .flatMap(([driver, ports]) => [...ports].map(([port, count]) => ({ driver, port, count })))
    .sort((a, b) => b.count - a.count || Number(isUsualPort(b)) - Number(isUsualPort(a)));
  const [first, second] = best;
  if (!first)
    throw new Error(
      wanted
        ? `${file}: nothing in it looks like ${wanted.name}`
        : `${file}: no driver knows these bytes. Name one with --driver: ${names(drivers)}`,
    );
  if (second && second.driver !== first.driver && second.count === first.count && !isUsualPort(first))
    throw new Error(
      `${file}: more than one driver takes these bytes for its own (${names([first.driver, second.driver])}); name one with --driver`,
    );
  return { driver: first.driver, ...(first.port !== undefined && { port: first.port }) };
}

function isUsualPort({ driver, port }: { driver: Driver; port: number | undefined }): boolean {
  return port !== undefined && (driver.transports.udp?.port === port || driver.transports.pcap?.port === port);
}
