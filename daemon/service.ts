/** What the gateway tells the service manager (systemd's notify protocol, sd_notify(3)): ready, status, stopping, alive.
 *
 *  The protocol is a datagram to the Unix socket that `$NOTIFY_SOCKET` names. Node.js has no Unix datagram sockets and
 *  the packages that add them need a compiler at installation, so `systemd-notify`, which every machine with systemd
 *  has, sends it. The unit must therefore say `NotifyAccess=all`: the sender is a child of the main process.
 *  `systemd-notify` stays until systemd has taken the message (it waits for a barrier, systemd 246 and newer), so systemd
 *  can still see to which service the sender belonged. */
import { spawn } from 'node:child_process';
import type { Logger } from 'pino';
import { monotonicSeconds } from '../drivers/transports/transport.js';

export interface ServiceNotifier {
  /** Labels can flow. */
  ready(status: string): void;
  /** One line for `systemctl status`. */
  status(text: string): void;
  /** To be called each time that a window has gone whole through inference, fusion and publishing: feeds the watchdog. */
  labelFlowed(): void;
  stopping(): void;
}

export interface ServiceOptions {
  /** NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID are read, as systemd sets them; and PATH. */
  env?: NodeJS.ProcessEnv;
  log: Logger;
  /** Seconds on the host's monotonic clock. */
  now?: () => number;
}

/** Without `NOTIFY_SOCKET` (not started by systemd) every call does nothing. Never throws. */
export function createServiceNotifier({
  env = process.env,
  log,
  now = monotonicSeconds,
}: ServiceOptions): ServiceNotifier {
  const socket = env['NOTIFY_SOCKET'];
  const feedEvery = feedingPeriod(env);
  let fed = -Infinity;

  /** What waits for the message on its way: the newest of each kind. */
  let waiting: Record<string, string> = {};
  let sending = false;
  let failed = false;

  function send(message: Record<string, string>): void {
    if (!socket) return;
    Object.assign(waiting, message);
    // One at a time, else a status could overtake the one before it.
    if (!sending) sendWaiting(socket);
  }

  function sendWaiting(address: string): void {
    const words = Object.entries(waiting).map(([key, value]) => `${key}=${value}`);
    waiting = {};
    sending = true;
    let done = false;
    let late: NodeJS.Timeout | undefined;
    function finish(problem?: string): void {
      if (done) return;
      done = true;
      clearTimeout(late);
      sending = false;
      if (problem !== undefined && !failed) {
        failed = true;
        log.error(
          { reason: problem },
          `systemd cannot be told how the gateway is: ${problem}. Is the program systemd-notify installed (Debian: package systemd), and does the unit say NotifyAccess=all? Without it systemd takes the gateway for one that does not start`,
        );
      }
      if (Object.keys(waiting).length > 0) sendWaiting(address);
    }
    try {
      const child = spawn('systemd-notify', words, {
        env: { NOTIFY_SOCKET: address, ...(env['PATH'] !== undefined && { PATH: env['PATH'] }) },
        // Its own words on a failure are worth reading, once.
        stdio: ['ignore', 'ignore', failed ? 'ignore' : 'inherit'],
      });
      child.on('error', (error) => finish(error.message));
      child.on('exit', (code, signal) =>
        finish(code === 0 ? undefined : `systemd-notify ended with ${signal ?? `status ${code ?? '?'}`}`),
      );
      // A service manager that hangs must not keep the gateway from ending.
      child.unref();
      late = setTimeout(() => child.kill(), 10_000).unref();
    } catch (error) {
      // Out of memory, for instance: not all failures come as events.
      finish(error instanceof Error ? error.message : String(error));
    }
  }

  return {
    ready: (status) => send({ READY: '1', STATUS: oneLine(status) }),
    status: (text) => send({ STATUS: oneLine(text) }),
    labelFlowed() {
      if (feedEvery === undefined || now() - fed < feedEvery) return;
      fed = now();
      send({ WATCHDOG: '1' });
    },
    stopping: () => send({ STOPPING: '1' }),
  };
}

/** A quarter of the time within which systemd wants to hear of this process, seconds; undefined if it does not watch. sd_watchdog_enabled(3). */
function feedingPeriod(env: NodeJS.ProcessEnv): number | undefined {
  const microseconds = Number(env['WATCHDOG_USEC']);
  const pid = env['WATCHDOG_PID'];
  if (pid !== undefined && pid !== String(process.pid)) return undefined;
  return microseconds > 0 ? microseconds / 4e6 : undefined;
}

/** A line feed would begin another assignment, and systemd drops messages above 4096 bytes. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ').slice(0, 500);
}
