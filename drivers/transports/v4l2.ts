/** A depth camera of Video4Linux2, by the program v4l2-ctl of v4l-utils: Node.js itself cannot map a camera's buffers.
 *
 *     v4l2-ctl --device … --set-fmt-video=…,pixelformat='Z16 ' --set-parm=… --get-fmt-video          does the camera do this?
 *     stdbuf -o0 v4l2-ctl … --stream-mmap --stream-to-hdr=-                                          pictures, each with a header
 *
 * A driver takes the nearest format instead of an unknown one and says nothing, hence the question before. Without stdbuf the
 * C library would keep the end of each picture until the next one comes.
 */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { access, constants } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { z } from 'zod';
import { monotonicSeconds, type Transport } from './transport.js';

const settings = z.strictObject({
  type: z.literal('v4l2'),
  device: z
    .string()
    .startsWith('/dev/')
    .default('/dev/video0')
    .describe("The camera's depth node; `v4l2-ctl --list-devices` shows them, `/dev/v4l/by-id/…` names stay the same."),
  width: z.int().min(1).max(8192).default(640).describe('Pixels of a row.'),
  height: z.int().min(1).max(8192).default(480).describe('Rows.'),
  rate: z.number().positive().max(1000).default(30).describe('Pictures a second, as far as the camera can.'),
});
export type V4l2Settings = z.infer<typeof settings>;

const program = 'v4l2-ctl';
/** A camera shows its first picture within some two seconds. */
const startTimeout = 10; // seconds
const stopTimeout = 3; // seconds until a program that does not stop is killed
const keptWords = 4096; // characters of what the program said last

const endedEarly = 'v4l2-ctl ended without a picture';

type Child = ChildProcessByStdio<null, Readable, Readable>;

export const v4l2 = {
  name: 'v4l2',
  settings,
  async open(wanted, handlers) {
    const { device } = wanted;
    const name = `v4l2 ${device}`;
    const fail = (error: unknown): Error => new Error(describeV4l2Error(device, error), { cause: error });
    await access(device, constants.R_OK | constants.W_OK).catch((error: unknown) => {
      throw fail(error);
    });
    const format = [`--device=${device}`, ...formatOptions(wanted)];
    const answer = await run([...format, '--get-fmt-video']).catch((error: unknown) => {
      throw fail(error);
    });
    const problem = checkFormat(answer, wanted);
    if (problem !== undefined) throw fail(new Error(problem));

    const child = spawn('stdbuf', ['-o0', program, ...format, '--stream-mmap', '--stream-to-hdr=-'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const words = keepWords(child.stderr);
    const ended = exit(child);
    await firstBytes(child, ended).catch(async (error: unknown) => {
      await stop(child, ended);
      if (!(error instanceof Error) || error.message !== endedEarly) throw fail(error);
      // While it streams to its output, the program keeps what went wrong to itself: ask again without.
      const said = words() || (await run([...format, '--stream-mmap', '--stream-count=1']).catch(() => ''));
      throw fail(new Error(lastLine(said) ?? endedEarly));
    });

    let closed = false;
    child.stdout.on('data', (bytes: Buffer) => {
      if (!closed) handlers.onBytes(bytes, monotonicSeconds());
    });
    void ended.then(() => {
      if (closed) return;
      closed = true;
      const said = lastLine(words());
      handlers.onClose(
        said === undefined ? `${name}: the camera has gone. Was it unplugged?` : fail(new Error(said)).message,
      );
    });
    return {
      write: () => Promise.reject(new Error(`${name}: a camera takes no bytes`)),
      close: () => {
        closed = true;
        return stop(child, ended);
      },
    };
  },
} satisfies Transport<V4l2Settings>;

/** The format's name has four characters, a space the last of them. */
const formatOptions = ({ width, height, rate }: V4l2Settings): string[] => [
  `--set-fmt-video=width=${width},height=${height},pixelformat=Z16 `,
  `--set-parm=${rate}`,
];

/** Runs v4l2-ctl to its end. @returns what it said, on either output */
async function run(options: readonly string[]): Promise<string> {
  const child = spawn(program, options, { stdio: ['ignore', 'pipe', 'pipe'] });
  const [output, errors] = [keepWords(child.stdout), keepWords(child.stderr)];
  const timer = setTimeout(() => child.kill('SIGKILL'), startTimeout * 1000);
  const error = await exit(child);
  clearTimeout(timer);
  if (error) throw error;
  return `${output()}\n${errors()}`.trim();
}

/** The end of what a stream says, without the marks that v4l2-ctl makes for each picture. */
function keepWords(stream: Readable): () => string {
  let words = '';
  stream.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text.replace(/[<KPB.]*<[<KPB.]*( *\d+\.\d+ fps(, dropped buffers: \d+)?)?/g, '')).slice(
      -keptWords,
    );
  });
  return () => words.trim();
}

/** Settles when the program has ended and its outputs are read; gives the error if it could not be started. */
function exit(child: Child): Promise<Error | undefined> {
  return new Promise((resolve) => {
    child.once('error', resolve);
    child.once('close', () => resolve(undefined));
  });
}

/** Waits for the first picture's beginning, which stays in the stream. */
async function firstBytes(child: Child, ended: Promise<Error | undefined>): Promise<void> {
  const giveUp = new AbortController();
  const timer = setTimeout(() => giveUp.abort(), startTimeout * 1000);
  const readable = once(child.stdout, 'readable', giveUp).catch(() => undefined);
  await Promise.race([readable, ended]);
  clearTimeout(timer);
  if (child.stdout.readableLength > 0) return;
  if (giveUp.signal.aborted) throw new Error(`no picture came within ${startTimeout} s`);
  giveUp.abort(); // its listener would keep the stream from ending
  child.stdout.resume();
  throw (await ended) ?? new Error(endedEarly);
}

async function stop(child: Child, ended: Promise<unknown>): Promise<void> {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeout * 1000);
  child.stdout.resume();
  await ended;
  clearTimeout(timer);
}

/** @returns what is wrong with the format that the camera took, if something is */
function checkFormat(answer: string, { width, height }: V4l2Settings): string | undefined {
  const refusal = answer.split('\n').find((line) => /busy/i.test(line));
  if (refusal !== undefined) return refusal.trim();
  const [, took] = /Pixel Format\s*:\s*'([^']*)'/.exec(answer) ?? [];
  const [, columns, rows] = /Width\/Height\s*:\s*(\d+)\/(\d+)/.exec(answer) ?? [];
  if (took === undefined || columns === undefined) return lastLine(answer) ?? 'v4l2-ctl does not tell the format';
  if (took.trim() !== 'Z16') return `pixel format ${took.trim()}`;
  if (Number(columns) !== width || Number(rows) !== height) return `picture size ${columns}x${rows}`;
  return undefined;
}

const lastLine = (words: string): string | undefined =>
  words
    .split('\n')
    .findLast((line) => line.trim() !== '')
    ?.trim();

/** One line that says what failed and what to do. */
export function describeV4l2Error(device: string, error: unknown): string {
  const { code, syscall } = error as NodeJS.ErrnoException;
  const message = error instanceof Error ? error.message : String(error);
  const found = remedies.find(([pattern]) => pattern.test(`${code ?? ''} ${syscall ?? ''} ${message}`));
  return `v4l2 ${device}: ${found?.[1].replaceAll('DEVICE', device).replace('MESSAGE', message) ?? message}`;
}

const remedies: readonly (readonly [RegExp, string])[] = [
  [/ENOENT spawn v4l2-ctl/, 'the program v4l2-ctl is missing: `sudo apt install v4l-utils`'],
  [/ENOENT spawn stdbuf/, 'the program stdbuf is missing: `sudo apt install coreutils`'],
  [
    /ENOENT|ENODEV|ENXIO|No such (file|device)/i,
    'no such camera. Is it plugged in? `v4l2-ctl --list-devices` lists those that are there',
  ],
  [
    /EACCES|EPERM|Permission denied/i,
    'permission denied. Add the user that runs the gateway to the group video: `sudo usermod -aG video "$USER"`, then log in anew',
  ],
  [/busy/i, 'in use by another program. `sudo fuser -v DEVICE` names it'],
  [
    /^ *pixel format/,
    'this is no depth camera: it gives MESSAGE, not Z16. A depth camera has several nodes: `v4l2-ctl --list-devices` lists them, `v4l2-ctl -d DEVICE --list-formats` shows what one gives',
  ],
  [
    /^ *picture size/,
    "the camera does not do this size, but MESSAGE. `v4l2-ctl -d DEVICE --list-framesizes='Z16 '` lists the sizes",
  ],
  [
    /No space left/i,
    'the USB port has not the bandwidth for this picture. Take a smaller one or a lower rate, or another port',
  ],
  [/no picture/, 'MESSAGE. Unplug the camera and plug it in again; `sudo dmesg | tail` may tell why'],
];
