import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import t from 'tap';
import type { ImuFrame } from '../../../drivers/frames.js';
import { witmotion } from '../../../drivers/imu/witmotion.js';
import { openTransport } from '../../../drivers/transports/registry.js';
import { describeSerialError } from '../../../drivers/transports/serial.js';
import { encodeWitmotion } from '../../../room/witmotion-encoder.js';

const socat = spawnSync('socat', ['-V']).error ? { skip: 'skipped: no socat' } : {};
const quiet = { onBytes: () => undefined, onClose: () => undefined };

/** Two pseudo-terminals joined back to back, and the way to unplug them. */
async function pair(t: Pick<typeof import('tap').default, 'teardown'>) {
  const child = spawn('socat', ['-d', '-d', 'pty,raw,echo=0', 'pty,raw,echo=0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  let told = '';
  child.stderr.setEncoding('utf8');
  while (!told.includes('starting data transfer')) told += String((await once(child.stderr, 'data'))[0]);
  child.stderr.resume();
  const [near, far] = [...told.matchAll(/PTY is (\S+)/g)].map((match) => match[1]!);
  const unplug = async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  return { near: near!, far: far!, unplug };
}

void t.test(
  'samples cross a real serial line and come out of the driver; unplugging is reported once',
  socat,
  async (t) => {
    const { near, far, unplug } = await pair(t);
    const decoder = witmotion.decoder(witmotion.settings.parse({}));
    const frames: ImuFrame[] = [];
    const reasons: string[] = [];
    let told: () => void = () => undefined;
    const until = async (condition: () => boolean) => {
      while (!condition()) await new Promise<void>((resolve) => (told = resolve));
    };
    const connection = await openTransport(
      { type: 'serial', path: near },
      {
        onBytes: (bytes, arrivalTime) => {
          frames.push(...decoder.push(bytes, arrivalTime));
          told();
        },
        onClose: (reason) => {
          reasons.push(reason);
          told();
        },
      },
      witmotion.transports,
    );
    const heardByDevice: number[] = [];
    let deviceTold: () => void = () => undefined;
    const device = await openTransport(
      { type: 'serial', path: far, baudRate: 115200 },
      {
        onBytes: (bytes) => {
          heardByDevice.push(...bytes);
          deviceTold();
        },
        onClose: () => undefined,
      },
    );

    const samples = Array.from({ length: 200 }, (_, k) => ({
      acceleration: [0, k / 100, 9.80665],
      angularRate: [k / 50, 0, 0],
      time: 1.7e9 + k / 50,
    }));
    for (const sample of samples) await device.write(encodeWitmotion(sample));
    await until(() => frames.length === samples.length);
    t.ok(
      frames.every(
        (frame, k) => Math.abs(frame.acceleration[1]! - k / 100) < 0.003 && frame.deviceTime === samples[k]!.time,
      ),
    );
    t.equal(decoder.counters.skippedBytes, 0);

    await connection.write(Uint8Array.of(0xff, 0xaa, 0x03, 0x08, 0x00));
    while (heardByDevice.length < 5) await new Promise<void>((resolve) => (deviceTold = resolve));
    t.strictSame(heardByDevice, [0xff, 0xaa, 0x03, 0x08, 0x00], 'commands reach the device as they are');

    await unplug();
    await until(() => reasons.length > 0);
    await t.rejects(connection.write(Uint8Array.of(1)), /is closed/);
    await connection.close();
    await device.close();
    t.strictSame(reasons, [`serial ${near}: the port has gone. Was the device unplugged?`]);
  },
);

void t.test('unplugging in the midst of heavy data is reported, too', socat, async (t) => {
  // The serialport package misses about half of these (bindings-cpp #162); with five, the cure is all but sure to be needed.
  await Promise.all(
    Array.from({ length: 5 }, async () => {
      const { near, far, unplug } = await pair(t);
      const device = await openTransport({ type: 'serial', path: far, baudRate: 115200 }, quiet);
      const reason = new Promise<string>((resolve, reject) => {
        let received = 0;
        const onBytes = (bytes: Uint8Array) => {
          const before = received;
          received += bytes.length;
          if (before < 50_000 && received >= 50_000) unplug().catch(reject);
        };
        openTransport({ type: 'serial', path: near, baudRate: 115200 }, { onBytes, onClose: resolve }).catch(reject);
      });
      const block = new Uint8Array(500);
      const feed = async (): Promise<void> => device.write(block).then(feed);
      const fed = feed().catch(() => undefined);
      t.match(await reason, /the port has gone/);
      await device.close();
      await fed;
    }),
  );
});

void t.test('close() is quiet, may come twice, and frees the port', socat, async (t) => {
  const { near } = await pair(t);
  const settings = { type: 'serial', path: near, baudRate: 9600 } as const;
  const reasons: string[] = [];
  const connection = await openTransport(settings, { ...quiet, onClose: (reason) => reasons.push(reason) });
  await t.rejects(openTransport(settings, quiet), {
    message: new RegExp(`in use by another program.*fuser -v ${near}`),
  });
  await Promise.all([connection.close(), connection.close()]);
  await (await openTransport(settings, quiet)).close();
  t.strictSame(reasons, []);
});

void t.test('dtr is set after opening; a port without the line says so, and is free again', socat, async (t) => {
  const { near } = await pair(t);
  const settings = { type: 'serial', path: near, baudRate: 9600 } as const;
  // A pseudo-terminal has no modem lines: the kernel refuses TIOCMSET.
  await t.rejects(openTransport({ ...settings, dtr: false }, quiet), {
    message: new RegExp(`^serial ${near}: this port has no DTR line to set .*Remove dtr`),
  });
  await (await openTransport(settings, quiet)).close();
});

void t.test('ports that cannot be opened say why and what to do', async (t) => {
  const open = (path: string) => openTransport({ type: 'serial', path, baudRate: 115200 }, quiet);
  await t.rejects(open('/dev/no-such-port'), {
    message:
      'serial /dev/no-such-port: no such port. Is the device plugged in? `ls -l /dev/serial/by-id` lists the ports that are there',
  });
  await t.rejects(open('/dev/null'), { message: /^serial \/dev\/null: this is not a serial port/ });
  await t.rejects(open('/'), { message: /folder, not a port/ });
  await t.rejects(openTransport({ type: 'serial', path: '/dev/ttyUSB0' }, quiet), { message: /which baudRate/ });
  const denied = describeSerialError('/dev/ttyUSB0', new Error('Error: Permission denied, cannot open /dev/ttyUSB0'));
  t.match(denied, /^serial \/dev\/ttyUSB0: permission denied\..*sudo usermod -aG dialout/);
  t.equal(describeSerialError('/dev/x', new Error('Error: Out of luck')), 'serial /dev/x: Out of luck');
});
