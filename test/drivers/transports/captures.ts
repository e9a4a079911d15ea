/** Builds captured packets and capture files, as RFC 768, 791 and 8200 and the pcap and pcapng drafts lay them out. */
import { isIP } from 'node:net';

export interface Datagram {
  source: string;
  destination: string;
  sourcePort: number;
  destinationPort: number;
  payload: Uint8Array;
}

const uint16 = (...values: number[]) => values.flatMap((value) => [(value >> 8) & 0xff, value & 0xff]);

function addressBytes(text: string): number[] {
  if (isIP(text) === 4) return text.split('.').map(Number);
  const [head = '', tail] = text.split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':').map((group) => parseInt(group, 16)));
  const [before, after] = [groups(head), groups(tail ?? '')];
  return uint16(...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after);
}

function sum(bytes: readonly number[]): number {
  let total = 0;
  for (let i = 0; i < bytes.length; i += 2) total += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return ~total & 0xffff;
}

function udp({ source, destination, sourcePort, destinationPort, payload }: Datagram): number[] {
  const length = 8 + payload.length;
  const header = uint16(sourcePort, destinationPort, length);
  const pseudo = [...addressBytes(source), ...addressBytes(destination), ...uint16(17, length)];
  return [...header, ...uint16(sum([...pseudo, ...header, 0, 0, ...payload]) || 0xffff), ...payload];
}

/** Cuts into fragments whose data have `size` bytes (a multiple of 8) but for the last; without it, one piece. */
function* cut(body: number[], size = body.length): Generator<{ offset: number; more: boolean; part: number[] }> {
  for (let offset = 0; offset < body.length; offset += size)
    yield { offset, more: offset + size < body.length, part: body.slice(offset, offset + size) };
}

export function ipv4(
  datagram: Datagram,
  { id = 1, fragment, options = 0 }: { id?: number; fragment?: number; options?: number } = {},
) {
  return [...cut(udp(datagram), fragment)].map(({ offset, more, part }) => {
    const header = [
      ...[0x45 + options, 0],
      ...uint16(20 + 4 * options + part.length, id, (more ? 0x2000 : 0) | (offset / 8)),
      ...[64, 17, 0, 0],
      ...addressBytes(datagram.source),
      ...addressBytes(datagram.destination),
      ...new Array<number>(4 * options).fill(1),
    ];
    header.splice(10, 2, ...uint16(sum(header)));
    return [...header, ...part];
  });
}

export function ipv6(
  datagram: Datagram,
  { id = 1, fragment, hopByHop = false }: { id?: number; fragment?: number; hopByHop?: boolean } = {},
) {
  const first = fragment === undefined ? 17 : 44;
  return [...cut(udp(datagram), fragment)].map(({ offset, more, part }) => {
    const headers = [
      ...(hopByHop ? [first, 0, 1, 4, 0, 0, 0, 0] : []),
      ...(fragment === undefined ? [] : [17, 0, ...uint16(offset | (more ? 1 : 0), 0, id)]),
    ];
    return [
      ...[0x60, 0, 0, 0],
      ...uint16(headers.length + part.length),
      ...[hopByHop ? 0 : first, 64],
      ...addressBytes(datagram.source),
      ...addressBytes(datagram.destination),
      ...headers,
      ...part,
    ];
  });
}

const isSix = (packet: readonly number[]) => packet[0]! >> 4 === 6;
const etherType = (packet: readonly number[]) => uint16(isSix(packet) ? 0x86dd : 0x0800);

/** What stands before an IP packet, by link type. */
export const links: Record<number, (packet: number[]) => number[]> = {
  0: (packet) => [isSix(packet) ? 24 : 2, 0, 0, 0, ...packet],
  1: (packet) => [...[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2], ...etherType(packet), ...packet],
  101: (packet) => packet,
  108: (packet) => [0, 0, 0, isSix(packet) ? 24 : 2, ...packet],
  113: (packet) => [...uint16(0, 1, 6), ...[2, 0, 0, 0, 0, 1, 0, 0], ...etherType(packet), ...packet],
  276: (packet) => [...etherType(packet), 0, 0, 0, 0, 0, 2, ...uint16(1), 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, ...packet],
};

/** Ethernet with two VLAN tags, as 802.1ad nests them. */
export const tagged = (packet: number[]) => [
  ...[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2],
  ...uint16(0x88a8, 7, 0x8100, 9),
  ...etherType(packet),
  ...packet,
];

export interface Packet {
  time: number;
  bytes: readonly number[];
  /** Length on the wire, if the capture kept less. */
  length?: number;
}

class Writer {
  readonly bytes: number[] = [];
  readonly little: boolean;
  constructor(little: boolean) {
    this.little = little;
  }
  uint(size: 2 | 4, ...values: number[]): this {
    for (const value of values) {
      const bytes = Array.from({ length: size }, (_, i) => Math.floor(value / 256 ** i) % 256);
      this.bytes.push(...(this.little ? bytes : bytes.reverse()));
    }
    return this;
  }
}

export function pcapFile(
  packets: readonly Packet[],
  { linkType = 1, little = true, nano = false }: { linkType?: number; little?: boolean; nano?: boolean } = {},
): Uint8Array {
  const file = new Writer(little);
  file
    .uint(4, nano ? 0xa1b23c4d : 0xa1b2c3d4)
    .uint(2, 2, 4)
    .uint(4, 0, 0, 262144, linkType);
  for (const { time, bytes, length = bytes.length } of packets) {
    const whole = Math.floor(time);
    file.uint(4, whole, Math.round((time - whole) * (nano ? 1e9 : 1e6)), bytes.length, length);
    file.bytes.push(...bytes);
  }
  return Uint8Array.from(file.bytes);
}

/** `resolution`: the byte of option if_tsresol. Packets without a time are simple ones. Interfaces are numbered by link type. */
export function pcapngFile(
  packets: readonly (Packet & { linkType: number; simple?: boolean })[],
  { little = true, resolution, sections = 1 }: { little?: boolean; resolution?: number; sections?: number } = {},
): Uint8Array {
  const file: number[] = [];
  const block = (type: number, fill: (body: Writer) => void) => {
    const body = new Writer(little);
    fill(body);
    while (body.bytes.length % 4 !== 0) body.bytes.push(0);
    const whole = new Writer(little).uint(4, type, body.bytes.length + 12);
    whole.bytes.push(...body.bytes);
    file.push(...whole.uint(4, body.bytes.length + 12).bytes);
  };
  const step = resolution === undefined ? 1e-6 : resolution & 0x80 ? 2 ** -(resolution & 0x7f) : 10 ** -resolution;
  const kinds = [...new Set(packets.map(({ linkType }) => linkType))];
  const perSection = Math.ceil(packets.length / sections);
  for (let from = 0; from < packets.length; from += perSection) {
    block(0x0a0d0d0a, (body) => body.uint(4, 0x1a2b3c4d).uint(2, 1, 0).uint(4, 0xffffffff, 0xffffffff));
    for (const kind of kinds)
      block(1, (body) => {
        body.uint(2, kind, 0).uint(4, 262144);
        if (resolution !== undefined) {
          body.uint(2, 9, 1).bytes.push(resolution, 0, 0, 0);
          body.uint(2, 0, 0);
        }
      });
    // A comment as tools write it, and a kind of block that no reader knows.
    block(0x40000bad, (body) => body.bytes.push(...Buffer.from('read past')));
    for (const { time, bytes, linkType, simple, length = bytes.length } of packets.slice(from, from + perSection)) {
      if (simple) block(3, (body) => body.uint(4, length).bytes.push(...bytes));
      else {
        const steps = BigInt(Math.floor(time)) * BigInt(Math.round(1 / step)) + BigInt(Math.round((time % 1) / step));
        block(6, (body) => {
          body.uint(
            4,
            kinds.indexOf(linkType),
            Number(steps >> 32n),
            Number(steps & 0xffffffffn),
            bytes.length,
            length,
          );
          body.bytes.push(...bytes);
          while (body.bytes.length % 4 !== 0) body.bytes.push(0);
          body.uint(2, 1, 4).bytes.push(...Buffer.from('note'));
          body.uint(2, 0, 0);
        });
      }
    }
  }
  return Uint8Array.from(file);
}
