/**
 * Does onnxruntime keep memory of sessions that are opened and closed again and again (microsoft/onnxruntime #25325)? The shipped
 * towers, in a process of its own for each manner of doing it.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { SessionsOrder, SessionsReply } from './sessions-process.js';

async function memoryOf(order: SessionsOrder): Promise<SessionsReply> {
  const child = fork(new URL('./sessions-process.js', import.meta.url), { execArgv: ['--expose-gc'] });
  const ended = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`the process that opens sessions ended early (${signal ?? `exit code ${code}`})`);
  });
  ended.catch(() => undefined);
  child.send(order);
  const [reply] = (await Promise.race([once(child, 'message'), ended])) as [SessionsReply];
  return reply;
}

export async function sessions({ json, times }: { json: boolean; times: number }): Promise<void> {
  for (const manner of ['thread', 'worker'] as const) {
    const megabytes = await memoryOf({ manner, times });
    const growth = megabytes.at(-1)! - megabytes[0]!;
    const line = {
      bench: 'sessions',
      manner,
      times,
      megabytes: megabytes.map((value) => Number(value.toFixed(1))),
      growthMb: Number(growth.toFixed(1)),
      growthKbATime: Number(((1024 * growth) / times).toFixed(1)),
    };
    console.log(json ? JSON.stringify(line) : line);
  }
}
