/** `babel-gateway doctor`: what it finds, and that each finding says what to do. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { stringify } from 'yaml';
import { parseConfig } from '../../daemon/config.js';
import { within, type Finding } from '../../daemon/doctor/finding.js';
import { parseGroups, udevRule } from '../../daemon/doctor/machine.js';
import { formatsOf } from '../../daemon/doctor/requirements.js';
import { describePort, serialPorts } from '../../daemon/doctor/serial-ports.js';
import { missingInUnit } from '../../daemon/doctor/service.js';
import { packageRoot } from '../../daemon/package-root.js';
import { encodeWitmotion } from '../../room/witmotion-encoder.js';
import { freePort } from './helpers/mosquitto.js';
import { run } from './helpers/program.js';

/** A WT901 that is served over TCP and sends so many samples a second. */
async function wristAt(t: Test, rate: number): Promise<number> {
  const server = createServer((socket) => {
    const begun = performance.now();
    let sent = 0;
    const timer = setInterval(() => {
      for (; sent < ((performance.now() - begun) / 1000) * rate; sent++)
        socket.write(encodeWitmotion({ acceleration: [0, 0, 9.8], angularRate: [0, 0, 0] }));
    }, 10);
    socket.on('error', () => undefined).on('close', () => clearInterval(timer));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function doctor(t: Test, sensors: object) {
  const file = join(t.testdir(), 'gateway.yaml');
  const mqtt = { port: await freePort() };
  await writeFile(file, stringify({ dataDirectory: 'state', mqtt, places: { room: { sensors } } }));
  const { status, stdout, stderr } = await run(t, ['doctor', '--config', file, '--json']);
  t.equal(stderr, '');
  const { problems, findings } = JSON.parse(stdout) as { problems: number; findings: Finding[] };
  t.equal(problems, findings.filter(({ state }) => state === 'problem').length);
  return { status, problems, of: (about: string) => findings.filter((one) => one.about === about) };
}

void t.test('sensors are opened as the gateway opens them, all at once, and each says what is wrong with it', async (t) => {
  const tcp = { type: 'tcp', host: '127.0.0.1' };
  const taken = createSocket('udp4').bind(0);
  await once(taken, 'listening');
  t.teardown(() => taken.close());
  const shared = await freePort();
  const noise = createServer((socket) => {
    const timer = setInterval(() => socket.write(Buffer.alloc(100, 7)), 50);
    socket.on('error', () => undefined).on('close', () => clearInterval(timer));
  }).listen(0, '127.0.0.1');
  await once(noise, 'listening');
  t.teardown(() => noise.close());

  /** A scanner that is asked to scan, and answers nothing. */
  const asked: number[] = [];
  const scanner = createServer((socket) => void socket.on('data', (bytes) => asked.push(...bytes))).listen(0, '127.0.0.1');
  await once(scanner, 'listening');
  t.teardown(() => scanner.close());

  const wrist = { driver: 'witmotion-wt901' };
  const started = performance.now();
  const { status, problems, of } = await doctor(t, {
    good: { ...wrist, transport: { ...tcp, port: await wristAt(t, 50) } },
    slow: { ...wrist, transport: { ...tcp, port: await wristAt(t, 10) } },
    other: { ...wrist, transport: { ...tcp, port: (noise.address() as AddressInfo).port } },
    virtual: { ...wrist, feed: { kind: 'virtual-body' } },
    udp: { driver: 'velodyne', transport: { type: 'udp', port: taken.address().port } },
    greedy: { driver: 'velodyne', transport: { type: 'udp', port: shared, receiveBuffer: 1024 * 1024 * 1024 } },
    second: { driver: 'velodyne', transport: { type: 'udp', port: shared } },
    metadata: { driver: 'ouster', transport: { type: 'udp' }, settings: { metadata: 'absent.json' } },
    publisher: { driver: 'depth-zmq', transport: { type: 'zmq', endpoint: `tcp://127.0.0.1:${await freePort()}` } },
    phone: { driver: 'sensor-logger', transport: { type: 'http', port: await freePort() } },
    scanner: { driver: 'rplidar', transport: { ...tcp, port: (scanner.address() as AddressInfo).port } },
    capture: { driver: 'nexmon-csi', transport: { type: 'pcap', file: 'gateway.yaml' } },
  });
  t.ok(performance.now() - started < 30_000, 'bounded in time');
  t.equal(status, 1);
  t.match(of('sensor good'), [{ state: 'ok', text: /WitMotion .*: 1\d\d frames came/ }]);
  t.match(of('sensor slow'), [
    { state: 'ok' },
    { state: 'note', text: /(9|10|11)\.\d frames a second come, and its settings say 50/ },
  ]);
  t.match(of('sensor other'), [{ state: 'problem', text: /bytes arrived, none a valid witmotion-wt901 frame/ }]);
  t.match(of('sensor virtual'), [{ state: 'note', text: /VIRTUAL/ }]);
  t.match(of('sensor udp'), [{ state: 'problem', text: /another program or another sensor has this port/ }]);
  t.match(of('sensor greedy'), [
    { state: 'note', text: /sudo sysctl -w net\.core\.rmem_max=1073741824/ },
    { state: 'problem', text: /nothing arrives for 2 s: is the device switched on/ },
  ]);
  t.match(of('sensor second'), [{ state: 'problem', text: /another sensor has this port/ }]);
  t.match(of('sensor metadata: metadata'), [{ state: 'problem', text: /absent\.json: no such file/ }]);
  t.strictSame(of('sensor metadata'), [], 'not opened in vain');
  t.match(of('sensor publisher'), [{ state: 'note', text: /nobody publishes at tcp:.*ECONNREFUSED/ }]);
  t.match(of('sensor phone'), [{ state: 'note', text: /nothing arrives/ }]);
  t.match(of('sensor capture'), [{ state: 'problem', text: /not a capture file/ }]);
  t.match(of('tower for lidar'), [{ state: 'note', text: /no labels/ }]);
  t.match(of('tower for imu')[0], { state: 'ok', text: /runs on/ });
  t.match(of('sensor scanner'), [{ state: 'problem', text: /nothing arrives/ }]);
  // Slamtec's protocol: A5 82 begins an express scan, A5 25 ends any.
  const commands = Buffer.from(asked).toString('hex');
  t.ok(commands.lastIndexOf('a525') > commands.indexOf('a582') && commands.includes('a582'), 'started, and stopped again');
  t.equal(problems, 7);
}); // prettier-ignore

void t.test('a machine without a configuration is looked at, and told how to begin', async (t) => {
  const { status, stdout } = await run(t, ['doctor', '--json'], { cwd: t.testdir() });
  const { findings } = JSON.parse(stdout) as { findings: Finding[] };
  // /etc may hold a configuration on the machine that runs the tests.
  const [first] = findings;
  if (first?.state === 'ok') t.match(first, { about: 'configuration', text: '/etc/babel-gateway/babel-gateway.yaml' });
  else {
    t.equal(status, 0, stdout);
    t.match(first, { state: 'note', text: /no configuration yet: copy .*examples\/home\.yaml/ });
    t.match(findings.find(({ about }) => about === 'models'), { state: 'ok', text: /runs on/ }); // prettier-ignore
    t.ok(findings.some(({ about }) => about === 'serial ports'));
  }
  const named = await run(t, ['doctor', '--config', 'absent.yaml'], { cwd: t.testdirName });
  t.equal(named.status, 2, 'one that was named must be there');
});

void t.test('what the unit lacks for a sensor is told; with the drop-in of the manual it lacks nothing', async (t) => {
  const unit = await readFile(join(packageRoot, 'systemd', 'babel-gateway.service'), 'utf8');
  const config = (sensors: object) => parseConfig(stringify({ places: { room: { sensors } } }), '/srv/gateway.yaml');
  const listening = config({ csi: { driver: 'nexmon-csi', transport: { type: 'pcap', interface: 'wlan0' } } });
  t.match(missingInUnit(unit, listening), [/may not listen to a network interface/]);
  const manual = await readFile(join(packageRoot, 'docs', 'transports.md'), 'utf8');
  const dropIn = /```ini\n([^]*?)```/.exec(manual)![1]!;
  t.match(dropIn, /CAP_NET_RAW/);
  t.strictSame(missingInUnit(`${unit}\n${dropIn}`, listening), []);
  t.match(missingInUnit(`${unit}\n${dropIn.replaceAll(/^/gm, '# ')}`, listening), [/may not listen/], 'comments');

  const camera = config({ depth: { driver: 'v4l2-depth', transport: { type: 'v4l2' } } });
  t.strictSame(missingInUnit(unit, camera), []);
  t.match(missingInUnit(unit.replace('DeviceAllow=char-video4linux rw', ''), camera), [/may not open cameras/]);
  const hidden = config({
    depth: { driver: 'depth-zmq', transport: { type: 'zmq', endpoint: 'ipc:///tmp/depth' } },
    csi: { driver: 'nexmon-csi', transport: { type: 'pcap', file: '/home/me/walk.pcap' } },
  });
  t.match(missingInUnit(unit, hidden), [/ipc:\/\/\/tmp\/depth is not/, /does not see \/home\/me\/walk\.pcap/]);
});

void t.test('serial ports are named by their chip and no further', async (t) => {
  const port = (vendorId: string, productId: string) => ({ path: '/dev/ttyUSB3', vendorId, productId });
  t.equal(describePort(port('1a86', '7523')), '/dev/ttyUSB3: a CH340 or CH341 bridge, USB 1a86:7523');
  t.match(describePort(port('10C4', 'EA60')), /a CP210x bridge, USB 10c4:ea60/);
  t.match(describePort({ ...port('0403', '6015'), pnpId: 'usb-FTDI_x' }), /^\/dev\/serial\/by-id\/usb-FTDI_x \(now \/dev\/ttyUSB3\): an FTDI/); // prettier-ignore
  t.match(describePort({ ...port('1234', '5678'), manufacturer: 'Somebody' }), /: Somebody, USB 1234:5678/);
  t.equal(describePort({ path: '/dev/ttyS0' }), undefined);
  const findings = async (list: Parameters<typeof serialPorts>[0]) => {
    const found: Finding[] = [];
    for await (const one of serialPorts(list)) found.push(one);
    return found;
  };
  t.match(await findings(() => Promise.resolve([{ path: '/dev/ttyS0' }])), [{ state: 'note', text: /none of a USB/ }]);
  const missing = Object.assign(new Error('spawn udevadm ENOENT'), { code: 'ENOENT' });
  t.match(await findings(() => Promise.reject(missing)), [{ state: 'note', text: /sudo apt install udev/ }]);
});

void t.test('the udev rule: there, not there, another', async (t) => {
  const folder = t.testdir();
  t.match(await udevRule([folder]), { state: 'note', text: /not installed.*sudo install -m 644/ });
  const file = join(folder, '70-babel-gateway.rules');
  await copyFile(join(packageRoot, 'systemd', '70-babel-gateway.rules'), file);
  t.match(await udevRule([folder]), { state: 'ok', text: file });
  await writeFile(file, '# mine\n');
  t.match(await udevRule([folder]), { state: 'note', text: /not the one of this version/ });
});

void t.test('lists of other programs', (t) => {
  // group(5)
  t.strictSame(parseGroups('root:x:0:\ndialout:x:20:me,you\n').get('dialout'), { id: 20, members: ['me', 'you'] });
  // As v4l2-ctl of v4l-utils 1.22 prints them.
  const text = "ioctl: VIDIOC_ENUM_FMT\n\tType: Video Capture\n\n\t[0]: 'Z16 ' (16-bit Depth)\n\t[1]: 'YUYV' (YUYV 4:2:2)\n";
  t.strictSame(formatsOf(text), ['Z16 (16-bit Depth)', 'YUYV (YUYV 4:2:2)']);
  t.strictSame(formatsOf('Cannot open device /dev/video9, exiting.'), []);
  t.end();
}); // prettier-ignore

void t.test('nothing is waited for without end', async (t) => {
  await t.rejects(within(0.05, 'it did not answer', new Promise(() => undefined)), { message: 'it did not answer within 0.05 s' }); // prettier-ignore
  t.equal(await within(5, '', delay(1, 'there')), 'there');
});
