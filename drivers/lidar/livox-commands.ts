/** Commands of the Livox Mid-360, over UDP to its port 56100.
 *
 *     AA  00  LL LL  QQ QQ QQ QQ  ID ID  TT  SS  6 × 00  HH HH  DD DD DD DD  data
 *         L  length of all     Q  sequence     T  0: command, 1: answer     S  0: host, 1: sensor
 *         H  CRC-16 (polynomial 1021, from FFFF) of the 18 bytes before     D  CRC-32 of the data
 *
 *     ID 0100, set parameters:   NN NN  00 00  N × (key uint16, length uint16, value)      answer: code (0: done), key at fault uint16
 *         0000  type of points, uint8: 1 Cartesian in mm
 *         0006  where to send points: IPv4 address, host's port uint16, sensor's port uint16
 *         001A  work mode, uint8: 1 sampling, 2 idle
 *
 * All numbers are little-endian.
 *
 * Source: 'Livox LiDAR Communication Protocol – Mid360' v1.4.11 (livox-wiki-en.readthedocs.io), 1.2.1.4, 1.2.1.5 and 1.2.1.7.
 */
import { createSocket, type Socket } from 'node:dgram';
import { crc32 } from 'node:zlib';

const headerLength = 24;
const setParameters = 0x0100;
const sensorPointPort = 56300;
const keys = { pointType: 0x0000, pointHost: 0x0006, workMode: 0x001a } as const;
const workModes = { sampling: 1, idle: 2 } as const;
const answerTimeout = 1; // seconds
const attempts = 3;

interface LivoxAddress {
  readonly sensorAddress: string;
  readonly hostAddress: string;
  readonly hostPort: number;
  readonly commandPort: number;
}

export function crc16(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = ((crc & 0x8000) !== 0 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  }
  return crc;
}

export function encodeCommand(id: number, sequence: number, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(headerLength + data.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = 0xaa;
  view.setUint16(2, bytes.length, true);
  view.setUint32(4, sequence, true);
  view.setUint16(8, id, true);
  view.setUint16(18, crc16(bytes.subarray(0, 18)), true);
  view.setUint32(20, data.length === 0 ? 0 : crc32(data), true);
  bytes.set(data, headerLength);
  return bytes;
}

function encodeParameters(parameters: readonly (readonly [key: number, value: Uint8Array])[]): Uint8Array {
  const parts = parameters.map(([key, value]) =>
    Uint8Array.of(key & 0xff, key >> 8, value.length & 0xff, value.length >> 8, ...value),
  );
  return Uint8Array.from([parameters.length, 0, 0, 0, ...parts.flatMap((part) => [...part])]);
}

/** The answer to the command of that number, or undefined if these bytes are something else. */
function parseAnswer(bytes: Uint8Array, sequence: number): { code: number; key: number } | undefined {
  if (bytes.length < headerLength + 3) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const sound =
    bytes[0] === 0xaa &&
    view.getUint16(2, true) === bytes.length &&
    view.getUint16(18, true) === crc16(bytes.subarray(0, 18)) &&
    view.getUint32(20, true) === crc32(bytes.subarray(headerLength));
  if (!sound || bytes[10] !== 1 || view.getUint32(4, true) !== sequence || view.getUint16(8, true) !== setParameters)
    return undefined;
  return { code: bytes[headerLength]!, key: view.getUint16(headerLength + 1, true) };
}

/** Tells the sensor to send its points to this machine, and to begin. @returns what makes it idle */
export async function startLivox(address: LivoxAddress): Promise<() => Promise<void>> {
  if (address.sensorAddress === '') return () => Promise.resolve();
  const name = `livox-mid360 ${address.sensorAddress}:${address.commandPort}`;
  const socket = await connected(address, name);
  let sequence = 0;
  const set = (parameters: readonly (readonly [number, Uint8Array])[]) =>
    command(socket, name, ++sequence, encodeParameters(parameters));
  try {
    const host = address.hostAddress === '' ? socket.address().address : address.hostAddress;
    const port = (value: number) => [value & 0xff, value >> 8];
    await set([
      [keys.pointType, Uint8Array.of(1)],
      [
        keys.pointHost,
        Uint8Array.from([...host.split('.').map(Number), ...port(address.hostPort), ...port(sensorPointPort)]),
      ],
    ]);
    await set([[keys.workMode, Uint8Array.of(workModes.sampling)]]);
  } catch (error) {
    socket.close();
    throw error;
  }
  return async () => {
    try {
      await set([[keys.workMode, Uint8Array.of(workModes.idle)]]);
    } finally {
      socket.close();
    }
  };
}

function connected({ sensorAddress, commandPort }: LivoxAddress, name: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4');
    socket.once('error', (error) => {
      socket.close();
      reject(new Error(`${name}: ${error.message}. Is this machine in the sensor's network?`, { cause: error }));
    });
    socket.connect(commandPort, sensorAddress, () => {
      socket.removeAllListeners('error');
      // A refusal (ICMP) shows as an error of the socket; that no answer came says it as well.
      socket.on('error', () => undefined);
      resolve(socket);
    });
  });
}

async function command(socket: Socket, name: string, sequence: number, data: Uint8Array): Promise<void> {
  const bytes = encodeCommand(setParameters, sequence, data);
  for (let attempt = 0; attempt < attempts; attempt++) {
    const answer = await exchange(socket, bytes, sequence);
    if (answer === undefined) continue;
    if (answer.code === 0) return;
    const key = `0x${answer.key.toString(16).padStart(4, '0')}`;
    throw new Error(
      `${name}: the sensor refused parameter ${key} with code ${answer.code}. Is its firmware up to date?`,
    );
  }
  throw new Error(`${name}: no answer. Is the sensor on, in this network, and is this its address?`);
}

function exchange(socket: Socket, bytes: Uint8Array, sequence: number): Promise<ReturnType<typeof parseAnswer>> {
  return new Promise((resolve) => {
    const done = (answer: ReturnType<typeof parseAnswer>) => {
      clearTimeout(timer);
      socket.off('message', take);
      resolve(answer);
    };
    const take = (message: Uint8Array) => {
      const answer = parseAnswer(message, sequence);
      if (answer !== undefined) done(answer);
    };
    const timer = setTimeout(() => done(undefined), answerTimeout * 1000);
    socket.on('message', take);
    socket.send(bytes, () => undefined); // without an error listener here; a lost command is sent again
  });
}
