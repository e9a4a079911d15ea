/** From a captured packet to the UDP datagram in it: link layer, IP with its fragments, UDP. Pure; every byte is taken for hostile.
 *
 *     link types            what precedes the IP packet
 *     0 null, 108 loop      4 bytes of address family
 *     1 Ethernet            6 + 6 bytes of addresses, tags (8100, 88a8, 9100: 4 bytes each), 2 bytes of type
 *     12, 14, 101 raw IP    nothing; 228 and 229 the same for IPv4 and IPv6
 *     113 Linux cooked      16 bytes, the last 2 of them the type
 *     276 Linux cooked v2   20 bytes, the first 2 of them the type
 *
 *     IPv4   45.. length:16 id:16 flags:3 offset:13 ttl protocol sum:16 source:32 destination:32 options
 *     IPv6   6... .... length:16 next hops source:128 destination:128 extension headers
 *     UDP    source:16 destination:16 length:16 sum:16
 *
 * Checksums are not looked at: what this machine sends is captured before its network card fills them in.
 * Sources: tcpdump.org/linktypes.html; RFC 768, 791, 8200 (4: extension headers); fragments that overlap make the whole datagram
 * invalid, as in RFC 5722.
 */

/** One UDP datagram of a capture. */
export interface CapturedDatagram {
  /** Time of capture, Unix time, seconds; of a fragmented one, that of the fragment that completed it. */
  readonly time: number;
  readonly sourceAddress: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** A copy of its own. */
  readonly payload: Uint8Array;
}

export interface PacketFailures {
  /** Packets of a link type that is not read. */
  unknownLinkType: number;
  /** Packets of which the capture kept only the beginning (a small snaplen). */
  cutPackets: number;
  /** Packets whose lengths contradict each other. */
  badPackets: number;
  /** Fragmented datagrams of which a part is missing, or whose parts contradict each other. */
  incompleteDatagrams: number;
}

const etherTypes = { ipv4: 0x0800, ipv6: 0x86dd } as const;
const vlanTags = new Set([0x8100, 0x88a8, 0x9100]);
const udpProtocol = 17;
/** Hop-by-hop options, routing, destination options: 8 bytes and 8 for each that their second byte counts. */
const extensionHeaders = new Set([0, 43, 60]);
const authenticationHeader = 51; // counts in 4 bytes
const fragmentHeader = 44;

/** What may wait for its other fragments. */
const mostPending = 64;
const mostFragments = 256;
const longestWait = 30; // seconds of the capture; hosts wait 15 to 60

interface Pending {
  readonly since: number;
  readonly fragments: { offset: number; bytes: Uint8Array }[];
  held: number;
  /** Length of the whole, known from the last fragment. */
  total: number | undefined;
}

export interface PacketReader {
  /** @returns the datagram that this packet is or completes; undefined for everything else */
  datagram(linkType: number, packet: Uint8Array, time: number): CapturedDatagram | undefined;
}

export function packetReader(failures: PacketFailures): PacketReader {
  const pending = new Map<string, Pending>();
  // Text of the last source: most captures have one.
  let lastSource = new Uint8Array(0);
  let lastText = '';

  function addressText(bytes: Uint8Array): string {
    if (bytes.length !== lastSource.length || bytes.some((byte, i) => byte !== lastSource[i])) {
      lastSource = copy(bytes);
      lastText = ipText(lastSource);
    }
    return lastText;
  }

  function bad(): CapturedDatagram | undefined {
    failures.badPackets++;
    return undefined;
  }

  function ip(packet: Uint8Array, time: number): CapturedDatagram | undefined {
    if (packet.length === 0) return bad();
    const version = packet[0]! >> 4;
    if (version === 4) return ipv4(packet, time);
    if (version === 6) return ipv6(packet, time);
    return bad();
  }

  function ipv4(packet: Uint8Array, time: number): CapturedDatagram | undefined {
    const header = (packet[0]! & 15) * 4;
    if (header < 20 || packet.length < header) return bad();
    // 0: the network card segments what is captured, and fills the length in.
    const length = uint16(packet, 2) || packet.length;
    if (length < header) return bad();
    if (packet[9] !== udpProtocol) return undefined;
    if (length > packet.length) {
      failures.cutPackets++;
      return undefined;
    }
    const source = packet.subarray(12, 16);
    const body = packet.subarray(header, length);
    const flags = uint16(packet, 6);
    const offset = (flags & 0x1fff) * 8;
    const more = (flags & 0x2000) !== 0;
    if (offset === 0 && !more) return udp(source, body, time);
    return fragment(`${hex(packet.subarray(12, 20))} ${uint16(packet, 4)}`, source, offset, more, body, time);
  }

  function ipv6(packet: Uint8Array, time: number): CapturedDatagram | undefined {
    if (packet.length < 40) return bad();
    const end = 40 + uint16(packet, 4);
    let next = packet[6]!;
    let at = 40;
    let part: { offset: number; more: boolean; id: string } | undefined;
    // Every header is at least 8 bytes long, so that this ends.
    while (extensionHeaders.has(next) || next === authenticationHeader || next === fragmentHeader) {
      if (at + 8 > end) return bad();
      if (at + 8 > packet.length) break;
      if (next === fragmentHeader) {
        if (part) return bad();
        const field = uint16(packet, at + 2);
        part = { offset: field & 0xfff8, more: (field & 1) !== 0, id: hex(packet.subarray(at + 4, at + 8)) };
      }
      const type = next;
      next = packet[at]!;
      if (type === fragmentHeader) at += 8;
      else if (type === authenticationHeader) at += (packet[at + 1]! + 2) * 4;
      else at += (packet[at + 1]! + 1) * 8;
      // What follows the first fragment's header stands only in the first fragment.
      if (part && part.offset > 0) break;
    }
    if (at > end) return bad();
    if (next !== udpProtocol && !(part && part.offset > 0)) return undefined;
    if (end > packet.length) {
      failures.cutPackets++;
      return undefined;
    }
    const source = packet.subarray(8, 24);
    const body = packet.subarray(at, end);
    if (!part || (part.offset === 0 && !part.more)) return udp(source, body, time);
    return fragment(`${hex(packet.subarray(8, 40))} ${part.id}`, source, part.offset, part.more, body, time);
  }

  function fragment(
    key: string,
    source: Uint8Array,
    offset: number,
    more: boolean,
    bytes: Uint8Array,
    time: number,
  ): CapturedDatagram | undefined {
    const end = offset + bytes.length;
    if (bytes.length === 0 || end > 65535 || (more && bytes.length % 8 !== 0)) return bad();
    let whole = pending.get(key);
    if (whole && Math.abs(time - whole.since) > longestWait) {
      giveUp(key);
      whole = undefined;
    }
    if (!whole) {
      if (pending.size >= mostPending) giveUp(pending.keys().next().value!);
      whole = { since: time, fragments: [], held: 0, total: undefined };
      pending.set(key, whole);
    }
    const others = whole.fragments;
    // Networks duplicate packets now and then.
    if (others.some((one) => one.offset === offset && isEqual(one.bytes, bytes))) return undefined;
    if (!more && whole.total === undefined) whole.total = end;
    const total = whole.total ?? 65535;
    const overlaps = others.some((one) => offset < one.offset + one.bytes.length && one.offset < end);
    const outside = end > total || others.some((one) => one.offset + one.bytes.length > total);
    if (overlaps || outside || (!more && end !== total) || others.length >= mostFragments) {
      giveUp(key);
      return undefined;
    }
    others.push({ offset, bytes: copy(bytes) });
    whole.held += bytes.length;
    if (whole.total === undefined || whole.held < whole.total) return undefined;
    pending.delete(key);
    const body = new Uint8Array(whole.total);
    for (const one of others) body.set(one.bytes, one.offset);
    return udp(source, body, time);
  }

  function giveUp(key: string): void {
    pending.delete(key);
    failures.incompleteDatagrams++;
  }

  function udp(source: Uint8Array, body: Uint8Array, time: number): CapturedDatagram | undefined {
    if (body.length < 8) return bad();
    const length = uint16(body, 4);
    if (length < 8 || length > body.length) return bad();
    return {
      time,
      sourceAddress: addressText(source),
      sourcePort: uint16(body, 0),
      destinationPort: uint16(body, 2),
      payload: copy(body.subarray(8, length)),
    };
  }

  function byType(type: number, packet: Uint8Array, time: number): CapturedDatagram | undefined {
    return type === etherTypes.ipv4 || type === etherTypes.ipv6 ? ip(packet, time) : undefined;
  }

  return {
    datagram(linkType, packet, time) {
      switch (linkType) {
        case 0:
        case 108:
          return packet.length < 4 ? bad() : ip(packet.subarray(4), time);
        case 1: {
          let at = 12;
          while (at + 6 <= packet.length && at < 24 && vlanTags.has(uint16(packet, at))) at += 4;
          return packet.length < at + 2 ? bad() : byType(uint16(packet, at), packet.subarray(at + 2), time);
        }
        case 12:
        case 14:
        case 101:
        case 228:
        case 229:
          return ip(packet, time);
        case 113:
          return packet.length < 16 ? bad() : byType(uint16(packet, 14), packet.subarray(16), time);
        case 276:
          return packet.length < 20 ? bad() : byType(uint16(packet, 0), packet.subarray(20), time);
        default:
          failures.unknownLinkType++;
          return undefined;
      }
    },
  };
}

function uint16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

/** `slice` of a Buffer, which libpcap's bytes are, would be no copy. */
function copy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

/** As RFC 5952 writes it for IPv6: the longest run of zeros (of two groups at least) is left out. */
export function ipText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, i) => uint16(bytes, 2 * i).toString(16));
  let best = { from: 0, length: 1 };
  for (let from = 0; from < 8; from++) {
    let length = 0;
    while (groups[from + length] === '0') length++;
    if (length > best.length) best = { from, length };
  }
  if (best.length === 1) return groups.join(':');
  return `${groups.slice(0, best.from).join(':')}::${groups.slice(best.from + best.length).join(':')}`;
}
