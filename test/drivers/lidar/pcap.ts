/** Just enough of a pcap reader for the captures of the tests: little-endian, Ethernet, IPv4 with fragments, UDP. */
import { readFileSync } from 'node:fs';

/** The payloads that were sent to a UDP port. */
export function udpPayloads(path: string, port: number): Uint8Array[] {
  const file = readFileSync(path);
  if (file.readUInt32LE(0) !== 0xa1b2c3d4 || file.readUInt32LE(20) !== 1)
    throw new Error(`${path}: not such a capture`);
  const payloads: Uint8Array[] = [];
  const fragments = new Map<number, Map<number, Uint8Array>>(); // by identification, by offset
  for (let at = 24; at < file.length;) {
    const length = file.readUInt32LE(at + 8);
    const ip = file.subarray(at + 16 + 14, at + 16 + length);
    at += 16 + length;
    if (ip[0]! >> 4 !== 4 || ip[9] !== 17) continue;
    const identification = ip.readUInt16BE(4);
    const flags = ip.readUInt16BE(6);
    const parts = fragments.get(identification) ?? new Map<number, Uint8Array>();
    parts.set(8 * (flags & 0x1fff), ip.subarray(4 * (ip[0]! & 15), ip.readUInt16BE(2)));
    fragments.set(identification, parts);
    if ((flags & 0x2000) !== 0) continue; // more to come
    fragments.delete(identification);
    const udp = Buffer.concat([...parts].sort(([a], [b]) => a - b).map(([, bytes]) => bytes));
    if (udp.readUInt16BE(2) === port && udp.readUInt16BE(4) === udp.length)
      payloads.push(Uint8Array.from(udp.subarray(8)));
  }
  return payloads;
}
