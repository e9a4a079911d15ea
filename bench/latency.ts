/**
 * From the last byte of a window to its label at a subscriber: the gateway runs as users run it, in a process of its own; this one
 * plays the devices over TCP and subscribes.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { loadTower, shippedTowerDirectory } from '../models/store.js';
import { encodeWitmotion } from '../room/witmotion-encoder.js';
import { runGateway } from './gateway-process.js';
import { percentile } from './statistics.js';

const devices = 4;

/** A device whose motion is strong enough for the motion gate: every window asks the tower. */
function startDevice(rate: number) {
  /** When each sample's last byte was handed to the socket, ms. */
  const sent: number[] = [];
  let client: Socket | undefined;
  const server = createServer((socket) => {
    socket.setNoDelay(true).on('error', () => socket.destroy());
    client = socket;
  });
  server.listen(0, '127.0.0.1');
  let begin: number | undefined;
  const timer = setInterval(() => {
    if (!client) return;
    begin ??= performance.now();
    for (; begin + (sent.length * 1000) / rate <= performance.now();) {
      const time = sent.length / rate;
      const swing = Math.sin(2 * Math.PI * 1.5 * time);
      client.write(
        encodeWitmotion({
          acceleration: [9.8 + 6 * swing, 4 * swing, 2],
          angularRate: [2 * swing, 3 * swing, 1],
          time: 1_700_000_000 + time,
        }),
      );
      sent.push(performance.now());
    }
  }, 2);
  return {
    sent,
    port: async () => {
      if (!server.listening) await once(server, 'listening');
      return (server.address() as AddressInfo).port;
    },
    close: () => {
      clearInterval(timer);
      client?.destroy();
      server.close();
    },
  };
}

export async function latency({ json, seconds = 60 }: { json: boolean; seconds?: number | undefined }): Promise<void> {
  const { window } = (await loadTower(shippedTowerDirectory('imu'))).manifest;
  const players = Array.from({ length: devices }, () => startDevice(window.rate));
  const places = Object.fromEntries(
    await Promise.all(
      players.map(async (player, i) => {
        const transport = { type: 'tcp', host: '127.0.0.1', port: await player.port() };
        return [`place-${i}`, { sensors: { [`wrist-${i}`]: { driver: 'witmotion-wt901', transport } } }] as const;
      }),
    ),
  );
  const gateway = await runGateway('latency', places);
  const { client } = gateway;

  const delays: number[] = [];
  const seen = players.map(() => 0);
  client.on('message', (topic, _payload, { retain }) => {
    const now = performance.now();
    const device = Number(/place-(\d+)\/activity$/.exec(topic)?.[1]);
    if (Number.isNaN(device) || retain) return;
    // Windows follow one another without gap from the first sample on: the k-th label is that of the k-th window.
    const last = window.samples - 1 + window.hop * seen[device]!++;
    const sent = players[device]!.sent[last];
    if (sent !== undefined) delays.push(now - sent);
  });
  await client.subscribeAsync('babel/latency/+/activity');
  const windowsWanted = devices * Math.floor(((seconds - window.samples / window.rate) * window.rate) / window.hop);
  const end = performance.now() + (seconds + 20) * 1000;
  while (delays.length < windowsWanted && performance.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    if (!json && process.stderr.isTTY) process.stderr.write(`\r${delays.length} of ${windowsWanted} windows `);
  }

  await gateway.stop();
  for (const player of players) player.close();
  if (delays.length === 0) throw new Error('no label came; run babel-gateway doctor');
  const result = {
    bench: 'latency',
    windows: delays.length,
    devices,
    medianMs: percentile(delays, 0.5),
    p99Ms: percentile(delays, 0.99),
    maximumMs: percentile(delays, 1),
  };
  console.log(json ? JSON.stringify(result) : result);
}
