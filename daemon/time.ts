import { wallClockOffset } from '../drivers/transports/transport.js';

let offset = wallClockOffset();

/**
 * The host's monotonic time as messages carry it: ISO 8601 in UTC, to the millisecond. The same instant gives the same
 * text again, unless the wall clock was set in between: small machines without a battery-backed clock learn the right
 * time only some time after their start.
 *
 * @param seconds on the host's monotonic clock
 */
export function isoTime(seconds: number): string {
  const fresh = wallClockOffset();
  // Both clocks are read a moment apart and are slewed a little: that is no reason for another text.
  if (Math.abs(fresh - offset) > 0.05) offset = fresh;
  return new Date((seconds + offset) * 1000).toISOString();
}
