/** A serial port: a USB adapter, a UART of the board, a Bluetooth rfcomm port or a pseudo-terminal. 8 data bits, no parity, 1 stop bit. */
import { SerialPort } from 'serialport';
import { z } from 'zod';
import { connectStream } from './stream.js';
import type { Transport } from './transport.js';

const settings = z.strictObject({
  type: z.literal('serial'),
  path: z
    .string()
    .min(1)
    .describe(
      'The port. `/dev/serial/by-id/…` names the device and stays the same wherever it is plugged in; `/dev/ttyUSB0` does not.',
    ),
  baudRate: z
    .int()
    .min(50)
    .max(4_000_000)
    .optional()
    .describe("Bits a second, as set in the device; without it, the driver's usual rate."),
  dtr: z
    .boolean()
    .optional()
    .describe(
      'State of the DTR line after opening; without it, as the system sets it, which is `true`. RPLIDAR A1 stops its motor while DTR is asserted: `false`.',
    )
    .meta({ defaultText: 'as the system sets it' }),
});
export type SerialSettings = z.infer<typeof settings>;

export const serial = {
  name: 'serial',
  settings,
  async open({ path, baudRate, dtr }, handlers) {
    const name = `serial ${path}`;
    const gone = `${name}: the port has gone. Was the device unplugged?`;
    if (baudRate === undefined) throw new Error(`${name}: which baudRate? Give the one that is set in the device`);
    const port = await opened(path, baudRate).catch((error: unknown) => {
      throw new Error(describeSerialError(path, error), { cause: error });
    });
    if (dtr !== undefined) await setDtr(port, path, dtr);
    const watch = watchForHangUp(port);
    return connectStream(
      port,
      {
        name,
        ended: gone,
        describe: (error) => (isDisconnection(error) ? gone : describeSerialError(path, error)),
        release: () => {
          clearInterval(watch);
          return new Promise((resolve) => {
            if (port.isOpen) port.close(() => resolve());
            else if (port.closing) port.once('close', () => resolve());
            else resolve();
          });
        },
      },
      handlers,
    );
  },
} satisfies Transport<SerialSettings>;

function opened(path: string, baudRate: number): Promise<SerialPort> {
  return new Promise((resolve, reject) => {
    const port = new SerialPort({ path, baudRate, autoOpen: false });
    port.open((error) => {
      if (error) reject(error);
      else resolve(port);
    });
  });
}

/** Leaves RTS as it is. @throws Error, the port closed, if it has no such line */
async function setDtr(port: SerialPort, path: string, dtr: boolean): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      port.set({ dtr }, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  } catch (error) {
    await new Promise<void>((resolve) => port.close(() => resolve()));
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`serial ${path}: this port has no DTR line to set (${reason}). Remove dtr from its settings`, {
      cause: error,
    });
  }
}

/**
 * Closes a port whose device has gone without the serialport package's noticing: when the kernel hangs a port up between two
 * reads, its read returns 0 bytes, and the package reads again at once, for ever (serialport/bindings-cpp #162).
 * A port that is hung up answers no question, so one is asked in every second without bytes.
 */
function watchForHangUp(port: SerialPort): NodeJS.Timeout {
  let heard = true;
  port.on('data', () => {
    heard = true;
  });
  return setInterval(() => {
    if (!heard) {
      port.port?.getBaudRate().catch((error: unknown) => {
        if (port.isOpen) port.close(undefined, Object.assign(new Error(String(error)), { disconnected: true }));
      });
    }
    heard = false;
  }, 1000);
}

function isDisconnection(error: Error): boolean {
  return 'disconnected' in error || 'disconnect' in error;
}

/** One line that says what failed and what to do. The serialport package gives the system's words, no error codes. */
export function describeSerialError(path: string, error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const [, remedy] = remedies.find(([pattern]) => pattern.test(message)) ?? [];
  return `serial ${path}: ${remedy?.replace('PORT', path) ?? message.replace(/^(Error:? )+/, '')}`;
}

const remedies: readonly (readonly [RegExp, string])[] = [
  [
    /No such (file|device)/i,
    'no such port. Is the device plugged in? `ls -l /dev/serial/by-id` lists the ports that are there',
  ],
  [
    /Permission denied|Operation not permitted/i,
    'permission denied. Add the user that runs the gateway to the group dialout: `sudo usermod -aG dialout "$USER"`, then log in anew',
  ],
  [
    /Cannot lock|resource busy/i,
    'in use by another program. `sudo fuser -v PORT` names it; ModemManager is a usual one',
  ],
  [
    /Inappropriate ioctl|Not a typewriter/i,
    'this is not a serial port. `ls -l /dev/serial/by-id` lists the ports that are there',
  ],
  [/Is a directory/i, 'this is a folder, not a port. `ls -l /dev/serial/by-id` lists the ports that are there'],
  [/baud rate/i, 'the port does not do this baud rate. Give the one that is set in the device'],
];
