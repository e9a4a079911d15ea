import { z } from 'zod';
import type { Driver } from '../driver.js';
import { http } from './http.js';
import { mqtt } from './mqtt.js';
import { pcap } from './pcap.js';
import { recording } from './recording.js';
import { serial } from './serial.js';
import { tcp } from './tcp.js';
import type { Connection, TransportHandlers } from './transport.js';
import { udp } from './udp.js';
import { v4l2 } from './v4l2.js';
import { websocket } from './websocket.js';
import { zmq } from './zmq.js';

/** How a sensor's bytes come in. */
export const transportSettings = z.discriminatedUnion('type', [
  serial.settings,
  tcp.settings,
  udp.settings,
  pcap.settings,
  zmq.settings,
  mqtt.settings,
  http.settings,
  websocket.settings,
  v4l2.settings,
  recording.settings,
]);
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
    case 'udp':
      return udp.open({ ...settings, port: settings.port ?? usual.udp?.port }, handlers);
    case 'pcap':
      return pcap.open({ ...settings, port: settings.port ?? usual.pcap?.port ?? usual.udp?.port }, handlers);
    case 'zmq':
      return zmq.open(settings, handlers);
    case 'mqtt':
      return mqtt.open(settings, handlers);
    case 'http':
      return http.open(settings, handlers);
    case 'websocket':
      return websocket.open(settings, handlers);
    case 'v4l2':
      return v4l2.open(settings, handlers);
    case 'recording':
      return recording.open(settings, handlers);
  }
}
