/** One message of a recording: what arrived at once, and when.
 *
 *     09  double arrival_time, little-endian    seconds on the monotonic clock of the host that recorded
 *     12  length, varint    bytes               what the transport handed over, unchanged
 *
 * That is the Protocol Buffers message below, so that other programs (Foxglove, the mcap tools) can show it with no plug-in:
 *
 *     package babel_gateway;  message DeviceBytes { double arrival_time = 1; bytes data = 2; }
 */
import { TextEncoder } from 'node:util';

export const deviceBytesName = 'babel_gateway.DeviceBytes';

export interface DeviceBytes {
  readonly arrivalTime: number;
  readonly bytes: Uint8Array;
}

export function encodeDeviceBytes({ arrivalTime, bytes }: DeviceBytes): Uint8Array {
  const length = varint(bytes.length);
  const message = new Uint8Array(10 + length.length + bytes.length);
  message[0] = 0x09;
  new DataView(message.buffer).setFloat64(1, arrivalTime, true);
  message[9] = 0x12;
  message.set(length, 10);
  message.set(bytes, 10 + length.length);
  return message;
}

/** @returns undefined if it is no such message; `bytes` is a view of it */
export function decodeDeviceBytes(message: Uint8Array): DeviceBytes | undefined {
  if (message.length < 11 || message[0] !== 0x09 || message[9] !== 0x12) return undefined;
  const arrivalTime = new DataView(message.buffer, message.byteOffset).getFloat64(1, true);
  let length = 0;
  let at = 10;
  for (let shift = 0; ; shift += 7) {
    const byte = message[at++];
    if (byte === undefined || shift > 28) return undefined;
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
  }
  if (length !== message.length - at || !Number.isFinite(arrivalTime)) return undefined;
  return { arrivalTime, bytes: message.subarray(at) };
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 0x80; value = Math.floor(value / 128)) bytes.push((value & 0x7f) | 0x80);
  bytes.push(value);
  return bytes;
}

/** The message's description as Protocol Buffers describe it: a FileDescriptorSet (google/protobuf/descriptor.proto). */
export function deviceBytesSchema(): Uint8Array {
  const text = new TextEncoder();
  const part = (field: number, content: Uint8Array | string): number[] => {
    const bytes = typeof content === 'string' ? text.encode(content) : content;
    return [(field << 3) | 2, ...varint(bytes.length), ...bytes];
  };
  const number = (field: number, value: number) => [field << 3, value];
  const optional = 1;
  const types = { double: 1, bytes: 12 };
  const field = (name: string, index: number, type: number) =>
    part(2, Uint8Array.from([...part(1, name), ...number(3, index), ...number(4, optional), ...number(5, type)]));
  const message = [
    ...part(1, 'DeviceBytes'),
    ...field('arrival_time', 1, types.double),
    ...field('data', 2, types.bytes),
  ];
  const file = [
    ...part(1, 'babel_gateway/DeviceBytes.proto'),
    ...part(2, 'babel_gateway'),
    ...part(4, Uint8Array.from(message)),
    ...part(12, 'proto3'),
  ];
  return Uint8Array.from(part(1, Uint8Array.from(file)));
}
