/**
 * Five devices at once into the gateway as users run it, over loopback sockets: are all of their frames decoded, and what does each
 * cost?
 *
 * Devices are paced by absolute time. Frames sent are those that the sent bytes complete; frames received are the gateway's own
 * count, from each sensor's health on MQTT.
 *
 * `cpuShare` is processor time of the gateway's process (all threads, user and system, from /proc) by wall time: 1 is one core. That
 * of a sensor is measured while it alone sends, less what the gateway uses while nothing sends (`idleCpuShare`); it contains
 * whatever the gateway does with the sensor, for the IMU also its windows' inference.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { sensorHealth, sensorTopic, type SensorHealth } from '../daemon/topics.js';
import { dca1000Profile } from './dca1000.js';
import { runGateway, type GatewayProcess } from './gateway-process.js';
import { startSenders, type Sender } from './senders.js';

const gatewayName = 'ingest';
const tick = 2; // ms
/** How many times faster than in real time a device catches up after this process stood still. */
const catchUp = 4;
/** Seconds; the gateway tells its sensors' health each 5 s. */
const longestStart = 60;
/** What is still on its way when a device has stopped has arrived after that many seconds. */
const settled = 1;

interface Device extends Sender {
  readonly name: string;
  /** Units so far. */
  sent: number;
}

interface Health {
  readonly health: SensorHealth;
  /** When it came, ms. */
  readonly at: number;
}

/** Lets devices send for so many seconds. @returns the seconds that it took */
async function play(devices: readonly Device[], seconds: number): Promise<number> {
  const begin = performance.now();
  const plans = devices.map((device) => ({ device, from: device.sent, units: Math.round(device.rate * seconds) }));
  for (let unfinished = true; unfinished;) {
    unfinished = false;
    const elapsed = (performance.now() - begin) / 1000;
    for (const { device, from, units } of plans) {
      const due = from + Math.min(units, Math.floor(elapsed * device.rate));
      const most = device.sent + Math.ceil((catchUp * device.rate * tick) / 1000);
      while (device.sent < Math.min(due, most)) device.send(device.sent++);
      if (device.sent < from + units) unfinished = true;
    }
    await wait(tick);
  }
  return (performance.now() - begin) / 1000;
}

export async function ingest({ json, seconds }: { json: boolean; seconds: number }): Promise<void> {
  const devices = Object.entries(await startSenders()).map(([name, sender]): Device => ({ ...sender, name, sent: 0 }));
  const sensors = Object.fromEntries(
    devices.map(({ name, driver, transport, settings }) => [
      name,
      // Silence between the parts of the measurement is meant.
      { driver, transport, settings, silenceTimeout: 3600 },
    ]),
  );
  const gateway = await runGateway(gatewayName, { lab: { sensors } }, { 'radar.cfg': dca1000Profile });
  try {
    const result = await measure(gateway, devices, seconds, (text) => {
      if (!json && process.stderr.isTTY) process.stderr.write(`${text}\n`);
    });
    if (json) console.log(JSON.stringify(result));
    else {
      const { sensors: rows, ...all } = result;
      console.table(rows);
      console.log(all);
    }
  } finally {
    await gateway.stop();
    for (const device of devices) device.close();
  }
}

async function measure(
  gateway: GatewayProcess,
  devices: readonly Device[],
  seconds: number,
  tell: (text: string) => void,
) {
  const healths = new Map<string, Health>();
  gateway.client.on('message', (topic, payload) => {
    const name = topic.slice(sensorTopic(gatewayName, '').length);
    healths.set(name, { health: sensorHealth.parse(JSON.parse(payload.toString())), at: performance.now() });
  });
  await gateway.client.subscribeAsync(sensorTopic(gatewayName, '+'));

  /** Every sensor's health, once it must contain all that was sent. */
  async function health(): Promise<Map<string, SensorHealth>> {
    const since = performance.now() + 1000 * settled;
    const end = performance.now() + 1000 * longestStart;
    while (devices.some(({ name }) => (healths.get(name)?.at ?? 0) < since)) {
      if (performance.now() > end) throw new Error(`the gateway tells no health any more for ${longestStart} s`);
      await wait(100);
    }
    return new Map([...healths].map(([name, { health: one }]) => [name, one]));
  }

  async function share(run: () => Promise<number>): Promise<number> {
    const before = await gateway.processorSeconds();
    const took = await run();
    return ((await gateway.processorSeconds()) - before) / took;
  }

  tell('waiting for the sensors');
  const deadline = performance.now() + 1000 * longestStart;
  const isLive = ({ name }: Device) => healths.get(name)?.health.state === 'live';
  while (!devices.every(isLive)) {
    const late = devices
      .filter((one) => !isLive(one))
      .map(({ name }) => `${name} ${healths.get(name)?.health.reason ?? ''}`);
    if (performance.now() > deadline) throw new Error(`not live after ${longestStart} s: ${late.join(', ')}`);
    await play(devices, 1);
  }
  await play(devices, 3); // V8 compiles

  const alone = Math.min(20, Math.max(3, seconds / 10));
  await health();
  tell(`nothing sends, ${alone} s`);
  const idle = await share(async () => {
    await wait(1000 * alone);
    return alone;
  });
  const own = new Map<string, number>();
  for (const device of devices) {
    tell(`${device.name} alone, ${alone} s`);
    own.set(device.name, (await share(() => play([device], alone))) - idle);
  }

  const before = await health();
  const sentBefore = new Map(devices.map(({ name, sent }) => [name, sent]));
  tell(`all together, ${seconds} s`);
  const together = await share(() => play(devices, seconds));
  const after = await health();

  const rows = devices.map((device) => {
    const { name, driver, sent } = device;
    const [first, last] = [before.get(name)!, after.get(name)!];
    const framesSent = device.framesIn(sent) - device.framesIn(sentBefore.get(name)!);
    const framesReceived = last.frames - first.frames;
    const failures = Object.entries(last.failures)
      .map(([kind, count]) => [kind, count - (first.failures[kind] ?? 0)] as const)
      .filter(([, count]) => count > 0);
    return [
      name,
      {
        driver,
        framesSent,
        framesReceived,
        lostFrames: framesSent - framesReceived,
        cpuShare: rounded(own.get(name)!),
        ...(failures.length > 0 && { failures: Object.fromEntries(failures) }),
      },
    ] as const;
  });
  return {
    bench: 'ingest',
    seconds,
    lostFrames: rows.reduce((sum, [, { lostFrames }]) => sum + lostFrames, 0),
    cpuShare: rounded(together),
    idleCpuShare: rounded(idle),
    cpuShareOf:
      "the gateway's processor time by wall time, 1 is one core; a sensor's: while it alone sends, less the idle share",
    sensors: Object.fromEntries(rows),
  };
}

const rounded = (share: number) => Number(share.toFixed(3));
