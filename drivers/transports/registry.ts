import { z } from 'zod';
import type { Driver } from '../driver.js';
import { serial } from './serial.js';
import { tcp } from './tcp.js';
import type { Connection, TransportHandlers } from './transport.js';

/** How a sensor's bytes come in. */
export const transportSettings = z.discriminatedUnion('type', [serial.settings, tcp.settings]);
export type TransportSettings = z.infer<typeof transportSettings>;

/**
 * Opens the device or connection.
 * @param usual the driver's usual parameters, for what the settings leave out
 * @throws Error with one line that says what failed and what to do
 */
export function openTransport(
  settings: TransportSettings,
  handlers: TransportHandlers,
  usual: Driver['transports'] = {},
): Promise<Connection> {
  switch (settings.type) {
    case 'serial':
      return serial.open({ ...settings, baudRate: settings.baudRate ?? usual.serial?.baudRate }, handlers);
    case 'tcp':
      return tcp.open(settings, handlers);
  }
}
