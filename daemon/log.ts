import pino, { type Logger } from 'pino';
import pretty from 'pino-pretty';

export type { Logger } from 'pino';

/**
 * The gateway's log, on standard error: lines for people on a terminal, else one JSON object a line, as journald keeps them.
 * @param level the least serious level that is written, for instance `info`
 */
export function createLogger(level: string, terminal: boolean = process.stderr.isTTY): Logger {
  const standardError = 2;
  if (!terminal) {
    // Not synchronous: whoever reads the log slowly must not hold up the event loop. pino flushes at exit.
    const destination = pino.destination({ dest: standardError, sync: false });
    return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination);
  }
  const stream = pretty({ destination: standardError, sync: true, colorize: true, translateTime: 'SYS:HH:MM:ss' });
  return pino({ level, base: null }, stream);
}
