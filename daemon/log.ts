import { Writable } from 'node:stream';
import pino, { type Logger } from 'pino';
import pretty from 'pino-pretty';

export type { Logger } from 'pino';

/**
 * The gateway's log, on standard error: lines for people on a terminal, else one JSON object a line, as journald keeps them.
 * @param level the least serious level that is written, for instance `info`
 * @param terminal writes a line among what else stands on the terminal; absent: standard error is none
 */
export function createLogger(level: string, terminal?: { write(line: string): void }): Logger {
  if (!terminal) {
    // Not synchronous: whoever reads the log slowly must not hold up the event loop. pino flushes at exit.
    const destination = pino.destination({ dest: 2, sync: false });
    return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination);
  }
  const lines = new Writable({
    decodeStrings: false,
    write(line: string | Buffer, _encoding, done) {
      terminal.write(line.toString());
      done();
    },
  });
  const stream = pretty({ destination: lines, sync: true, colorize: true, translateTime: 'SYS:HH:MM:ss' });
  return pino({ level, base: null }, stream);
}
