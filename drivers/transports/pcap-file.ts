/** Capture files of tcpdump and Wireshark, read incrementally: UDP datagrams come out. Pure; every byte is taken for hostile.
 *
 *     pcap     a1b2c3d4 (µs) or a1b23c4d (ns), in the writer's byte order, which all fields have
 *              version:16 version:16 zone:32 accuracy:32 snaplen:32 linktype:32 (its low 16 bits)
 *              then packets: seconds:32 µs-or-ns:32 kept:32 length:32 bytes[kept]
 *
 *     pcapng   blocks: type:32 length:32 body padded to 4 bytes, length:32 again
 *              0a0d0d0a section     1a2b3c4d (byte order) …; interfaces begin anew
 *              00000001 interface   linktype:16 0:16 snaplen:32 options; option 9 resolution, 14 offset in seconds
 *              00000006 packet      interface:32 high:32 low:32 kept:32 length:32 bytes[kept] options
 *              00000003 packet without a time   length:32 bytes
 *              others are read past
 *
 * Sources: IETF drafts 'PCAP Capture File Format' (draft-ietf-opsawg-pcap) and 'PCAP Now Generic Dump File Format'
 * (draft-ietf-opsawg-pcapng). Neither format has anything to find the next packet by, so that a file is read up to the first
 * contradiction, as tcpdump does.
 */
import { packetReader, type CapturedDatagram, type PacketFailures } from './pcap-packet.js';

export type { CapturedDatagram } from './pcap-packet.js';

export interface CaptureCounters {
  bytes: number;
  /** Packets of any kind. */
  packets: number;
  datagrams: number;
  failures: PacketFailures & {
    /** The file's beginning is not that of a capture. */
    notACapture: number;
    /** From here on the file contradicts itself; the rest was not read. */
    damaged: number;
    /** Packets of an interface that the file does not describe. */
    unknownInterface: number;
    /** Packets that no network carries; read past. */
    tooLong: number;
  };
}

export interface CaptureReader {
  /** @returns the datagrams that these bytes complete, in the file's order */
  push(bytes: Uint8Array): CapturedDatagram[];
  readonly counters: Readonly<CaptureCounters>;
  /** False once there is nothing more to read, whatever follows. */
  readonly readable: boolean;
  /** Bytes that wait for the rest of their packet. */
  readonly waiting: number;
}

const longestPacket = 262_144; // tcpdump's and Wireshark's own limit
const longestBlock = longestPacket + 64 * 1024; // with its options
const mostInterfaces = 256;
const blockTypes = { section: 0x0a0d0d0a, interface: 1, simplePacket: 3, packet: 6 } as const;
const readBlocks = new Set<number>(Object.values(blockTypes));

interface CaptureInterface {
  readonly linkType: number;
  readonly snapLength: number;
  /** Seconds of one step of its clock. */
  readonly step: number;
  /** Seconds to add. */
  readonly offset: number;
}

export function captureReader(): CaptureReader {
  const failures = {
    notACapture: 0,
    damaged: 0,
    unknownInterface: 0,
    tooLong: 0,
    unknownLinkType: 0,
    cutPackets: 0,
    badPackets: 0,
    incompleteDatagrams: 0,
  };
  const counters = { bytes: 0, packets: 0, datagrams: 0, failures };
  const packets = packetReader(failures);

  let buffer = new Uint8Array(64 * 1024);
  let view = new DataView(buffer.buffer);
  let held = 0;
  let toSkip = 0; // bytes that are read past as they come
  let format: 'unknown' | 'pcap' | 'pcapng' | 'over' = 'unknown';
  let little = true;
  let pcapLink = 0;
  let pcapStep = 1e-6;
  let interfaces: CaptureInterface[] = [];
  let lastTime = 0;

  function over(kind: 'notACapture' | 'damaged'): number | undefined {
    failures[kind]++;
    format = 'over';
    return undefined;
  }

  function takePacket(linkType: number, time: number, at: number, length: number, out: CapturedDatagram[]): void {
    counters.packets++;
    lastTime = time;
    const datagram = packets.datagram(linkType, buffer.subarray(at, at + length), time);
    if (!datagram) return;
    counters.datagrams++;
    out.push(datagram);
  }

  function begin(): number | undefined {
    if (held < 4) return undefined;
    const magic = view.getUint32(0, true);
    if (magic === blockTypes.section) {
      format = 'pcapng';
      return 0;
    }
    if (magic === 0xa1b2c3d4 || magic === 0xa1b23c4d) little = true;
    else if (magic === 0xd4c3b2a1 || magic === 0x4d3cb2a1) little = false;
    else return over('notACapture');
    if (held < 24) return undefined;
    format = 'pcap';
    pcapStep = view.getUint32(0, little) === 0xa1b23c4d ? 1e-9 : 1e-6;
    pcapLink = view.getUint32(20, little) & 0xffff;
    return 24;
  }

  function takePcapRecord(at: number, out: CapturedDatagram[]): number | undefined {
    if (held - at < 16) return undefined;
    const kept = view.getUint32(at + 8, little);
    if (kept > longestPacket) return over('damaged');
    if (held - at < 16 + kept) return undefined;
    const time = view.getUint32(at, little) + view.getUint32(at + 4, little) * pcapStep;
    takePacket(pcapLink, time, at + 16, kept, out);
    return 16 + kept;
  }

  function takeBlock(at: number, out: CapturedDatagram[]): number | undefined {
    if (held - at < 12) return undefined;
    const type = view.getUint32(at, little);
    if (type === blockTypes.section) {
      const order = view.getUint32(at + 8, true);
      if (order === 0x1a2b3c4d) little = true;
      else if (order === 0x4d3c2b1a) little = false;
      else return over('damaged');
    }
    const length = view.getUint32(at + 4, little);
    if (length < 12 || length % 4 !== 0) return over('damaged');
    if (!readBlocks.has(type) || length > longestBlock) {
      if (type === blockTypes.packet || type === blockTypes.simplePacket) failures.tooLong++;
      return length;
    }
    if (held - at < length) return undefined;
    if (view.getUint32(at + length - 4, little) !== length) return over('damaged');
    const body = at + 8;
    const end = at + length - 4;
    if (type === blockTypes.section) interfaces = [];
    else if (type === blockTypes.interface) {
      if (end - body < 8) return over('damaged');
      if (interfaces.length < mostInterfaces) interfaces.push(interfaceOf(body, end));
    } else if (type === blockTypes.packet) {
      if (end - body < 20) return over('damaged');
      const kept = view.getUint32(body + 12, little);
      if (kept > end - body - 20) return over('damaged');
      const from = interfaces[view.getUint32(body, little)];
      if (from) {
        const steps = view.getUint32(body + 4, little) * 2 ** 32 + view.getUint32(body + 8, little);
        takePacket(from.linkType, steps * from.step + from.offset, body + 20, kept, out);
      } else failures.unknownInterface++;
    } else {
      if (end - body < 4) return over('damaged');
      const from = interfaces[0];
      if (from) {
        const whole = Math.min(view.getUint32(body, little), from.snapLength || longestPacket);
        takePacket(from.linkType, lastTime, body + 4, Math.min(whole, end - body - 4), out);
      } else failures.unknownInterface++;
    }
    return length;
  }

  function interfaceOf(body: number, end: number): CaptureInterface {
    let step = 1e-6;
    let offset = 0;
    for (let at = body + 8; at + 4 <= end;) {
      const option = view.getUint16(at, little);
      const length = view.getUint16(at + 2, little);
      if (option === 0 || at + 4 + length > end) break;
      if (option === 9 && length >= 1) {
        const resolution = buffer[at + 4]!;
        step = resolution & 0x80 ? 2 ** -(resolution & 0x7f) : 10 ** -resolution;
      } else if (option === 14 && length >= 8) offset = Number(view.getBigInt64(at + 4, little));
      at += 4 + Math.ceil(length / 4) * 4;
    }
    return { linkType: view.getUint16(body, little), snapLength: view.getUint32(body + 4, little), step, offset };
  }

  function takeBuffer(out: CapturedDatagram[]): void {
    let at = 0;
    while (isReadable() && at < held) {
      let taken: number | undefined;
      if (format === 'unknown') taken = begin();
      else if (format === 'pcap') taken = takePcapRecord(at, out);
      else taken = takeBlock(at, out);
      if (taken === undefined) break;
      at += taken;
    }
    if (at > held) {
      toSkip = at - held;
      at = held;
    }
    buffer.copyWithin(0, at, held);
    held -= at;
  }

  // A function, because TypeScript's narrowing does not see that `takeBlock` changes `format`.
  const isReadable = () => format !== 'over';

  function append(bytes: Uint8Array): void {
    if (held + bytes.length > buffer.length) {
      // A packet or block that is waited for is never longer than the longest, so that the buffer ends growing.
      const larger = new Uint8Array(2 * (held + bytes.length));
      larger.set(buffer.subarray(0, held));
      buffer = larger;
      view = new DataView(buffer.buffer);
    }
    buffer.set(bytes, held);
    held += bytes.length;
  }

  return {
    counters,
    get readable() {
      return isReadable();
    },
    get waiting() {
      return isReadable() ? held : 0;
    },
    push(bytes) {
      const out: CapturedDatagram[] = [];
      counters.bytes += bytes.length;
      for (let from = 0; from < bytes.length && isReadable();) {
        if (toSkip > 0) {
          const skipped = Math.min(toSkip, bytes.length - from);
          toSkip -= skipped;
          from += skipped;
          continue;
        }
        const to = Math.min(bytes.length, from + 64 * 1024);
        append(bytes.subarray(from, to));
        from = to;
        takeBuffer(out);
      }
      return out;
    },
  };
}
