/** Work that may crash, hang or fill the memory, in a process of its own. */
import { fork } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { constants, setPriority } from 'node:os';
import { ModelError } from '../models/manifest.js';

export interface ChildWork {
  /** The child's code. */
  readonly script: URL;
  /** Sent to it as its first message. */
  readonly order: object;
  /** Goes to its standard input. */
  readonly input?: Uint8Array;
  /** Names the work in messages, for instance `trying the model`. */
  readonly what: string;
  /** What a crash most likely means. */
  readonly crashed: string;
  /** Seconds that it may take. */
  readonly limit: number;
}

/** Of JavaScript's own memory in the child, MB: several times the largest request, far less than what JSON can unfold to. */
const largestHeap = 512;

/** Resolves with the child's last message when it has ended. @throws ModelError if it crashes, takes too long or says nothing */
export function inChild<Reply>(
  { script, order, input, what, crashed, limit }: ChildWork,
  onReply: (reply: Reply) => void = () => undefined,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    // What onnxruntime prints is kept from the gateway's own output.
    const child = fork(script, {
      execArgv: [`--max-old-space-size=${largestHeap}`],
      serialization: 'advanced',
      stdio: ['pipe', 'ignore', 'ignore', 'ipc'],
    });
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, limit * 1000);
    const refuse = (reason: string) => reject(new ModelError(reason));
    let last: { readonly reply: Reply } | undefined;
    child.on('message', (message) => {
      last = { reply: message as Reply };
      onReply(last.reply);
    });
    child.once('error', (error) => refuse(`${what} cannot be begun: ${error.message}`));
    // Only when it has ended are its files nobody's.
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (late) refuse(`${what} did not end within ${limit} s`);
      else if (code !== 0 || !last) refuse(`${what} ended in a crash (${signal ?? `exit code ${code}`}): ${crashed}`);
      else resolve(last.reply);
    });
    child.stdin!.on('error', () => undefined); // `close` follows
    child.send(order, () => undefined);
    child.stdin!.end(input);
  });
}

/** In a child, before its work: labels go before. And where memory ends, the system ends this process, not the gateway. */
export async function stepBack(): Promise<void> {
  try {
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
    await writeFile('/proc/self/oom_score_adj', '1000');
  } catch {
    // Not every system has it.
  }
}
