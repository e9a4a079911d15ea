/**
 * From the end of a window to its fused label at a subscriber, for each set of the shipped towers, which a running gateway is asked
 * for over MQTT one after the other; and the processor time of the whole gateway with all three live.
 */
import { asking } from './asking.js';
import { frameRates } from './frame-rates.js';
import { runGateway } from './gateway-process.js';
import type { GatewayProcess } from './gateway-process.js';
import { isOf, placeLabels } from './place-labels.js';
import { percentile } from './statistics.js';
import { lastInstants, startThreeDevices, threeModalities, virtualDevices } from './three-devices.js';
import type { ThreeModality } from './three-devices.js';

const gatewayName = 'fusion';
const place = 'room';
/** Seconds until all three sensors are fused: the camera learns the room first. */
const longestStart = 90;
/** Labels of a set that come before those that count. */
const warmUp = 4;

/** Every non-empty set; all three last. */
const sets: readonly (readonly ThreeModality[])[] = [1, 2, 4, 3, 5, 6, 7].map((bits) =>
  threeModalities.filter((_, i) => bits & (1 << i)),
);

export async function fusion({ json, seconds }: { json: boolean; seconds: number }): Promise<void> {
  const devices = await startThreeDevices();
  let gateway: GatewayProcess | undefined;
  try {
    gateway = await runGateway(gatewayName, { [place]: { sensors: devices.sensors } });
    for await (const line of measure(gateway, devices.hop, seconds)) console.log(json ? JSON.stringify(line) : line);
  } finally {
    await gateway?.stop();
    await devices.close();
  }
}

async function* measure(gateway: GatewayProcess, hop: number, seconds: number) {
  const labels = await placeLabels(gateway.client, gatewayName, place);
  const ask = await asking(gateway.client, gatewayName);
  const beforeEnd = await lastInstants();
  await labels.next((label) => isOf(label, threeModalities), longestStart, 'of all three sensors');

  const frames = await frameRates(gateway.client, gatewayName);
  const wanted = Math.max(1, Math.floor(seconds / hop));
  let cpuShare = NaN;
  for (const set of sets) {
    const { status, reason } = await ask.modalities(place, set);
    if (status === 'error') throw new Error(`${set.join(', ')}: ${reason}`);
    for (let k = 0; k < warmUp; k++) await labels.next((label) => isOf(label, set), 30, set.join(', '));
    const from = labels.all.length;
    const [begin, used] = [performance.now(), await gateway.processorSeconds()];
    await labels.next(() => labels.all.length >= from + wanted, seconds + 30, set.join(', '));
    cpuShare = ((await gateway.processorSeconds()) - used) / ((performance.now() - begin) / 1000);
    const all = labels.all.slice(from, from + wanted);
    const whole = all.filter((label) => isOf(label, set));
    if (whole.length === 0) throw new Error(`${set.join(', ')}: no window has all of them`);
    const delays = whole.map(({ at, end }) => 1000 * (at - end));
    const sinceInstant = Math.min(...set.map((modality) => beforeEnd[modality]));
    yield {
      bench: 'fusion',
      set,
      windows: whole.length,
      partial: all.length - whole.length,
      ...times(delays),
      sinceLastInstant: times(delays.map((delay) => delay + 1000 * sinceInstant)),
      cpuShare: Number(cpuShare.toFixed(3)),
    };
  }
  yield {
    bench: 'fusion',
    devices: virtualDevices,
    live: threeModalities,
    framesASecond: frames.rates(),
    cpuShare: Number(cpuShare.toFixed(3)),
    cpuShareOf: "the gateway's processor time, all threads, user and system, by wall time; 1 is one core",
  };
}

const times = (delays: readonly number[]) => ({ medianMs: percentile(delays, 0.5), p99Ms: percentile(delays, 0.99) });
