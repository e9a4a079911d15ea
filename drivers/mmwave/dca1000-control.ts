/** Commands of the DCA1000EVM, UDP port 4096 on both sides:
 *
 *     5A A5  u16 COMMAND  u16 LENGTH  …  AA EE       what is sent
 *     5A A5  u16 COMMAND  u16 STATUS     AA EE       what comes back; status 0: done
 *
 *     03  set up the FPGA    u8 × 6: raw mode 1, lanes (1: four, 2: two), from LVDS 1, to Ethernet 2, samples of 16 bit 3, timer 30 s
 *     05  start the record
 *     06  stop the record
 *     09  is the board there
 *     0A  comes by itself: what the board noticed; not an answer
 *     0B  set up the packets u16 bytes with head, u16 pause in steps of 8 ns, u16 0
 *
 * The board answers to the address of the host that is stored in it, 192.168.33.30 from the factory.
 * Sources: TI SPRUIJ4A, section 5; TI 'DCA1000EVM CLI Software Developer Guide' 1.01. The bytes of 03: TI E2E thread 1254967. */
import { createSocket, type Socket } from 'node:dgram';
import { startByCommandPort, type CommandPortSettings } from './command-port.js';
import { lanes, type BoardFamily } from './lvds.js';

export interface CaptureSettings extends CommandPortSettings {
  readonly board: BoardFamily;
  readonly boardAddress?: string | undefined;
  readonly controlPort: number;
  readonly localAddress: string;
  readonly packetDelay: number;
}

const longestAnswer = 2; // seconds
const packetBytes = 1472; // the largest that the board takes
const nanosecondsPerStep = 8;

/**
 * Sets the capture board up and starts its record, then the radar; each only if the settings name it.
 * @throws Error with one line: what failed, what to do
 */
export async function startCapture(
  settings: CaptureSettings,
  files?: Readonly<Record<string, string>>,
): Promise<() => Promise<void>> {
  const stopBoard = await startBoard(settings);
  try {
    const stopRadar = await startByCommandPort(settings, files);
    return async () => {
      try {
        await stopRadar();
      } finally {
        await stopBoard();
      }
    };
  } catch (error) {
    await stopBoard().catch(() => undefined); // the first error says more
    throw error;
  }
}

async function startBoard(settings: CaptureSettings): Promise<() => Promise<void>> {
  const { boardAddress, controlPort, packetDelay } = settings;
  if (boardAddress === undefined) return () => Promise.resolve();
  const socket = await bound(settings);
  const name = `DCA1000 ${boardAddress}:${controlPort}`;
  const send = (code: number, what: string, body?: Uint8Array) =>
    ask(socket, boardAddress, controlPort, name, code, what, body);
  try {
    await send(0x09, 'system connect');
    // A gateway that was killed left it recording, and then it takes no settings; if it was not, it says so.
    await send(0x06, 'record stop').catch(() => undefined);
    await send(0x03, 'FPGA configuration', Uint8Array.of(1, lanes[settings.board] === 4 ? 1 : 2, 1, 2, 3, 30));
    const pause = Math.round((packetDelay * 1000) / nanosecondsPerStep);
    await send(0x0b, 'packet configuration', Uint8Array.of(...word(packetBytes), ...word(pause), 0, 0));
    await send(0x05, 'record start');
  } catch (error) {
    await closed(socket);
    throw error;
  }
  return async () => {
    try {
      await send(0x06, 'record stop');
    } finally {
      await closed(socket);
    }
  };
}

function word(value: number): [number, number] {
  return [value & 0xff, value >> 8];
}

function bound({ localAddress, controlPort }: CaptureSettings): Promise<Socket> {
  const socket = createSocket('udp4');
  return new Promise((resolve, reject) => {
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close();
      reject(new Error(`DCA1000: commands cannot be sent from ${localAddress}:${controlPort}: ${remedy(error)}`));
    });
    socket.bind(controlPort, localAddress, () => {
      socket.removeAllListeners('error');
      socket.on('error', () => undefined); // an unreachable board shows as no answer
      resolve(socket);
    });
  });
}

function remedy(error: NodeJS.ErrnoException): string {
  if (error.code === 'EADDRINUSE')
    return 'another program uses the port. `sudo ss -ulnp` names it; mmWave Studio and DCA1000EVM_CLI_Control are usual ones';
  if (error.code === 'EADDRNOTAVAIL')
    return 'this machine does not have that address. Give it to the port that the board is on: `sudo ip addr add 192.168.33.30/24 dev PORT`';
  return error.message;
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.close(() => resolve()));
}

/** Sends a command and waits for its own answer. */
function ask(
  socket: Socket,
  address: string,
  port: number,
  name: string,
  code: number,
  what: string,
  body: Uint8Array = new Uint8Array(0),
): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error) => {
      clearTimeout(timer);
      socket.off('message', hear);
      if (error) reject(error);
      else resolve();
    };
    const hear = (answer: Buffer) => {
      if (answer.length < 8 || answer.readUInt16LE(0) !== 0xa55a || answer.readUInt16LE(6) !== 0xeeaa) return;
      if (answer.readUInt16LE(2) !== code) return;
      const status = answer.readUInt16LE(4);
      settle(
        status === 0
          ? undefined
          : new Error(
              `${name}: the board refused '${what}' with status ${status}. Switch its power off and on, and try again`,
            ),
      );
    };
    const timer = setTimeout(
      () =>
        settle(
          new Error(
            `${name}: no answer to '${what}' within ${longestAnswer} s. Is the board on, its network cable in, switch SW2.5 at CONFIG_VIA_SW, and this machine 192.168.33.30?`,
          ),
        ),
      longestAnswer * 1000,
    );
    socket.on('message', hear);
    const head = Uint8Array.of(0x5a, 0xa5, ...word(code), ...word(body.length));
    socket.send(Buffer.concat([head, body, Uint8Array.of(0xaa, 0xee)]), port, address, (error) => {
      if (error) settle(new Error(`${name}: '${what}' cannot be sent: ${error.message}`));
    });
  });
}
