/** The command port of TI's mmWave firmware: a second serial port, 115200 baud, that takes the profile line by line.
 *
 *     profileCfg 0 77 …\n                        what is sent
 *     Done                                       what comes back; then the prompt, for instance mmwDemo:/>
 *     Error -1                                   often after a line of text that says why
 *     'x' is not recognized as a CLI command
 *     Ignored: Sensor is already stopped         followed by Done
 *
 * The firmware may echo what it got. Comments are not sent.
 * Source: TI, mmWave SDK 1.2 and 3.5, packages/ti/utils/cli/src/cli.c. */
import { z } from 'zod';
import { serial } from '../transports/serial.js';
import type { Connection } from '../transports/transport.js';
import { parseProfile, type ProfileCommand } from './profile.js';

export const commandPortSettings = {
  commandPort: z
    .string()
    .min(1)
    .optional()
    .describe(
      "The radar's command port, a serial port: the profile is sent to it whenever the data port has been opened. Without it, start the radar with another program.",
    ),
  commandBaudRate: z.int().min(50).max(4_000_000).default(115200).describe('Bits a second of the command port.'),
};

export interface CommandPortSettings {
  readonly profile?: string | undefined;
  readonly commandPort?: string | undefined;
  readonly commandBaudRate: number;
}

const longestAnswer = 5; // seconds; sensorStart calibrates for about one
const mostText = 4096; // characters kept of an answer

const stopCommand: ProfileCommand = { line: 0, text: 'sensorStop' };

/**
 * Sends the profile over the command port, if the settings name one.
 * @returns what stops the radar and closes the port
 * @throws Error with one line that names the profile's line and the device's answer
 */
export async function startByCommandPort(
  { profile, commandPort, commandBaudRate }: CommandPortSettings,
  files: Readonly<Record<string, string>> = {},
): Promise<() => Promise<void>> {
  if (commandPort === undefined) return () => Promise.resolve();
  const text = files['profile'];
  if (text === undefined)
    throw new Error(
      profile === undefined
        ? `commandPort ${commandPort}: there is nothing to send. Give the radar's .cfg file as profile`
        : `profile ${profile}: the file was not read`,
    );
  const { commands } = parseProfile(text);
  const port = await openCommandPort(commandPort, commandBaudRate);
  try {
    for (const command of commands) await port.send(command);
    if (!commands.some((command) => command.text.startsWith('sensorStart')))
      await port.send({ line: 0, text: 'sensorStart' });
  } catch (error) {
    await port.close();
    throw error;
  }
  return async () => {
    try {
      await port.send(stopCommand);
    } finally {
      await port.close();
    }
  };
}

interface CommandPort {
  /** Resolves when the device has answered Done; rejects with one line if it answers otherwise. */
  send(command: ProfileCommand): Promise<void>;
  close(): Promise<void>;
}

async function openCommandPort(path: string, baudRate: number): Promise<CommandPort> {
  let answer = '';
  let told: () => void = () => undefined;
  let lost: string | undefined;
  const connection: Connection = await serial.open(
    { type: 'serial', path, baudRate },
    {
      onBytes(bytes) {
        answer = (answer + Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')).slice(
          -mostText,
        );
        told();
      },
      onClose(reason) {
        lost = reason;
        told();
      },
    },
  );

  async function send({ line, text }: ProfileCommand): Promise<void> {
    const where = line === 0 ? `'${text}'` : `line ${line} of the profile, '${text}'`;
    answer = '';
    await connection.write(Buffer.from(`${text}\n`, 'latin1'));
    const deadline = performance.now() + longestAnswer * 1000;
    for (;;) {
      const verdict = judge(answer, text);
      if (verdict === 'done') return;
      if (verdict !== undefined)
        throw new Error(
          `command port ${path}: the radar refused ${where}: ${verdict}. Is the profile made for this chip and SDK version? If it worked before, reset the board`,
        );
      if (lost !== undefined) throw new Error(lost);
      const left = deadline - performance.now();
      if (left <= 0)
        throw new Error(
          `command port ${path}: no answer to ${where} within ${longestAnswer} s. Is this the command port, and not the data port? Is the board out of flashing mode?`,
        );
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        told = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
  return { send, close: () => connection.close() };
}

/** @returns `done`, what is wrong, or undefined if the answer is not complete */
export function judge(answer: string, sent: string): string | undefined {
  // The prompt may stand before an answer on its line; the answer's own line must have ended.
  const lines = answer.split(/\r\n|\n|\r/).map((line) => line.replace(/^\S*:\/>/, '').trim());
  const complete = lines.slice(0, -1);
  for (const [i, line] of complete.entries()) {
    if (line === 'Done') return 'done';
    if (line.endsWith('is not recognized as a CLI command')) return line;
    if (/^Error -?\d+$/.test(line)) {
      const reasons = complete.slice(0, i).filter((one) => one !== '' && one !== sent);
      return [line, ...reasons].join('; ');
    }
  }
  return undefined;
}
