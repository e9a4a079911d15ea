import { createSocket } from 'node:dgram';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { describePcapError, linkTypeNumber, loadPcap } from '../../../drivers/transports/pcap-library.js';
import { openTransport, transportSettings } from '../../../drivers/transports/registry.js';
import { ipv4, links, pcapFile, type Datagram } from './captures.js';
import { listen } from './listener.js';

const folder = join(process.env['SENSING_DATA'] ?? '', 'captures');
const skip = process.env['SENSING_DATA'] && existsSync(folder) ? false : 'skipped: no recordings';
const settings = (more: object) => transportSettings.parse({ type: 'pcap', ...more });

async function scratchFile(t: Pick<typeof import('tap').default, 'teardown'>, bytes: Uint8Array): Promise<string> {
  const scratch = await mkdtemp(join(tmpdir(), 'capture-'));
  t.teardown(() => rm(scratch, { recursive: true }));
  const path = join(scratch, 'walk.pcap');
  await writeFile(path, bytes);
  return path;
}

const datagram = (more: Partial<Datagram>): Datagram => ({
  source: '10.10.10.10',
  destination: '255.255.255.255',
  sourcePort: 5500,
  destinationPort: 5500,
  payload: Uint8Array.of(1),
  ...more,
});
const packet = (time: number, more: Partial<Datagram>) => ({ time, bytes: links[1]!(ipv4(datagram(more))[0]!) });

void t.test('a capture is played with the distances that it was recorded with, or faster', async (t) => {
  const payload = (text: string) => ({ payload: Buffer.from(text) });
  const file = await scratchFile(
    t,
    pcapFile([
      packet(1000, { ...payload('other port'), destinationPort: 99 }),
      packet(1000.5, payload('one')),
      packet(1000.7, { ...payload('other sender'), source: '10.10.10.11' }),
      packet(1000.75, payload('two')),
      packet(1000.8, payload('three')),
    ]),
  );
  const play = async (more: object) => {
    const heard = listen();
    const start = performance.now() / 1000;
    // The port is the driver's usual one.
    await openTransport(settings({ file, from: '10.10.10.10', ...more }), heard.handlers, { udp: { port: 5500 } });
    await heard.until(() => heard.reasons.length > 0);
    t.strictSame(heard.texts(), ['one', 'two', 'three']);
    t.strictSame(heard.reasons, [`pcap ${file} was played to its end`]);
    const [first, second, third] = heard.pieces.map(({ arrivalTime }) => arrivalTime);
    t.ok(first! >= start && first! < start + 1, 'times are those of now');
    t.ok(Math.abs(second! - first! - 0.25) < 2e-6 && Math.abs(third! - first! - 0.3) < 2e-6);
    return performance.now() / 1000 - start;
  };
  t.ok((await play({})) >= 0.298);
  const double = await play({ speed: 2 });
  t.ok(double >= 0.148, `${double} s`);
  t.ok((await play({ speed: 'fastest' })) < double);
});

void t.test('a capture that repeats goes on, each round after the one before', async (t) => {
  const payload = (text: string) => ({ payload: Buffer.from(text) });
  const cut = packet(1000.3, payload('cut'));
  const bytes = pcapFile([packet(1000, payload('one')), packet(1000.1, payload('two')), packet(1000.3, payload('three')), cut]); // prettier-ignore
  const file = await scratchFile(t, bytes.subarray(0, -1));
  const heard = listen();
  const connection = await openTransport(settings({ file, port: 5500, speed: 10, repeat: true }), heard.handlers);
  await heard.until(() => heard.pieces.length >= 7);
  await connection.close();
  t.strictSame(heard.texts().slice(0, 7), ['one', 'two', 'three', 'one', 'two', 'three', 'one']);
  const times = heard.pieces.map(({ arrivalTime }) => arrivalTime - heard.pieces[0]!.arrivalTime);
  // The mean distance is 0.15 s: a round takes 0.45 s.
  const expected = [0, 0.1, 0.3, 0.45, 0.55, 0.75, 0.9];
  t.ok(
    expected.every((time, i) => Math.abs(time - times[i]!) < 2e-6),
    times.join(),
  );
  t.strictSame(heard.reasons, [], 'it never ends');

  const single = listen();
  const one = await scratchFile(t, pcapFile([packet(5, payload('alone'))]));
  const ticking = await openTransport(settings({ file: one, port: 5500, speed: 20, repeat: true }), single.handlers);
  await single.until(() => single.pieces.length >= 3);
  await ticking.close();
  t.ok(Math.abs(single.pieces[2]!.arrivalTime - single.pieces[0]!.arrivalTime - 2) < 2e-6, 'once a second');

  const nothing = listen();
  await openTransport(settings({ file, port: 5501, repeat: true }), nothing.handlers);
  await nothing.until(() => nothing.reasons.length > 0);
  t.match(nothing.reasons[0], /none of its 3 datagrams is for port 5501/);
  t.throws(() => settings({ file, repeat: true, speed: 'fastest' }), /with repeat, speed must be a number/);
});

void t.test('every datagram of a real capture comes out', { skip }, async (t) => {
  const file = join(folder, 'nexmon/example_4339.pcap');
  const heard = listen();
  const connection = await openTransport(settings({ file, port: 5500, speed: 'fastest' }), heard.handlers);
  await heard.until(() => heard.reasons.length > 0);
  // 2850 datagrams of 2,969,700 bytes in 14.966639 s, as TShark 4.0.17 and capinfos count.
  t.equal(heard.pieces.length, 2850);
  t.equal(
    heard.pieces.reduce((sum, { bytes }) => sum + bytes.length, 0),
    2_969_700,
  );
  const span = heard.pieces.at(-1)!.arrivalTime - heard.pieces[0]!.arrivalTime;
  t.ok(Math.abs(span - 14.966639) < 2e-6, `${span} s`);
  t.equal(connection.failures?.['cutPackets'], 0);
  await t.rejects(connection.write(Uint8Array.of(1)), /takes no bytes/);
});

void t.test('playing can be closed at any time, and then says nothing more', async (t) => {
  const file = await scratchFile(t, pcapFile([packet(1000, {}), packet(5000, {})]));
  const heard = listen();
  const connection = await openTransport(settings({ file, port: 5500 }), heard.handlers);
  await heard.until(() => heard.pieces.length === 1);
  await Promise.all([connection.close(), connection.close()]);
  t.strictSame(heard.reasons, []);
});

void t.test('files that cannot be played say why', async (t) => {
  const open = async (bytes: Uint8Array, port = 5500) => {
    const heard = listen();
    await openTransport(settings({ file: await scratchFile(t, bytes), port, speed: 'fastest' }), heard.handlers);
    await heard.until(() => heard.reasons.length > 0);
    return heard.reasons[0];
  };
  await t.rejects(open(Buffer.from('what?')), { message: /this is not a capture file/ });
  await t.rejects(openTransport(settings({ file: '/none.pcap', port: 1 }), listen().handlers), {
    message: 'pcap /none.pcap: no such file',
  });
  await t.rejects(openTransport(settings({ file: '/', port: 1 }), listen().handlers), { message: /this is a folder/ });
  await t.rejects(openTransport(settings({ file: '/x' }), listen().handlers), { message: /which port/ });
  t.match(await open(pcapFile([packet(1, {})]), 5501), /none of its 1 datagrams is for port 5501/);
  const damaged = pcapFile([packet(1, {}), packet(2, {})]);
  damaged.fill(0xff, damaged.length - packet(1, {}).bytes.length - 16);
  t.match(await open(damaged), /the file is damaged; what comes before was played/);
  const cut = pcapFile([packet(1, {}), packet(2, {})]).subarray(0, -1);
  t.match(await open(cut), /was played to its end, which is cut off/);
});

const library: Awaited<ReturnType<typeof loadPcap>> | undefined = await loadPcap('').catch(() => undefined);
const canListen =
  library === undefined
    ? { skip: 'skipped: the optional package pcap is not installed' }
    : process.getuid?.() === 0
      ? {}
      : { skip: 'skipped: listening to an interface needs root here' };

void t.test('datagrams are taken from the loopback interface', canListen, async (t) => {
  const sender = createSocket('udp4').bind(0, '127.0.0.1');
  const receiver = createSocket('udp4').bind(0, '127.0.0.1');
  await Promise.all([once(sender, 'listening'), once(receiver, 'listening')]);
  const { port } = receiver.address();
  const heard = listen();
  const connection = await openTransport(settings({ interface: 'lo', port }), heard.handlers);
  const other = await openTransport(settings({ interface: 'lo', port, from: '127.0.0.9' }), heard.handlers);
  for (let i = 0; i < 100; i++) sender.send(`message ${i}`, port, '127.0.0.1');
  await heard.until(() => heard.pieces.length >= 100);
  t.strictSame(
    heard.texts(),
    Array.from({ length: 100 }, (_, i) => `message ${i}`),
  );
  t.strictSame(connection.failures, {
    unknownLinkType: 0,
    cutPackets: 0,
    badPackets: 0,
    incompleteDatagrams: 0,
    droppedByKernel: 0,
    lostMessages: 0,
  });
  await t.rejects(connection.write(Uint8Array.of(1)), /only listens/);
  await Promise.all([connection.close(), connection.close(), other.close()]);
  t.equal(connection.failures?.['droppedByKernel'], 0, 'counts outlive the connection');
  sender.close();
  receiver.close();
  t.strictSame(heard.reasons, []);
});

void t.test('a closed capture lets the process end and leaves none behind', canListen, async (t) => {
  const url = (name: string) => JSON.stringify(new URL(`../../../drivers/transports/${name}.js`, import.meta.url).href);
  const program = `
    import { openTransport } from ${url('registry')};
    const quiet = { onBytes() {}, onClose() {} };
    const connection = await openTransport({ type: 'pcap', interface: 'lo', port: 5500, speed: 1 }, quiet);
    await connection.close();
    await openTransport({ type: 'pcap', interface: 'lo', port: 5500, speed: 1 }, quiet);
    const children = (await import('node:fs')).readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8');
    console.log(children);
    process.kill(process.pid, 'SIGKILL');`;
  const { signal, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    timeout: 20_000,
    encoding: 'utf8',
  });
  t.equal(signal, 'SIGKILL', stderr);
  const children = stdout.trim().split(' ').map(Number);
  t.equal(children.length, 1, 'of two listeners, the closed one is gone');
  const runs = () => existsSync(`/proc/${children[0]}/exe`);
  for (const until = Date.now() + 10_000; runs() && Date.now() < until;)
    await new Promise((done) => setTimeout(done, 20));
  t.notOk(runs(), 'the other one ends with the gateway, even if that was killed');
});

const ip = (...words: string[]) => spawnSync('ip', words).status === 0;
const dummy = 'babeltest0';
const canMake =
  library !== undefined && ip('link', 'add', dummy, 'type', 'bridge')
    ? {}
    : { skip: 'skipped: no right to make a network interface' };
void t.test('an interface that goes away is reported once', canMake, async (t) => {
  t.teardown(() => ip('link', 'delete', dummy));
  ip('link', 'set', dummy, 'up');
  const heard = listen();
  const connection = await openTransport(settings({ interface: dummy, port: 5500 }), heard.handlers);
  ip('link', 'delete', dummy);
  await heard.until(() => heard.reasons.length > 0);
  await connection.close();
  t.strictSame(heard.reasons, [`pcap ${dummy}: the interface is gone or down. \`ip -brief link\` lists them`]);
});

void t.test('interfaces that cannot be listened to say why and what to do', async (t) => {
  if (library !== undefined)
    await t.rejects(openTransport(settings({ interface: 'none0', port: 1 }), listen().handlers), {
      message: /^pcap none0: (no such interface|permission denied)/,
    });
  await t.rejects(loadPcap('pcap wlan0', 'babel-gateway-has-no-such-package'), {
    message: /^pcap wlan0: .*sudo apt install libpcap-dev.*npm install/,
  });
  const denied = new Error("socket: Operation not permitted (You don't have permission to capture on that device)");
  t.match(describePcapError('pcap wlan0', denied), /AmbientCapabilities=CAP_NET_RAW.*setcap cap_net_raw/);
  const down = new Error('wlan0: That device is not up');
  t.equal(
    describePcapError('pcap wlan0', down),
    'pcap wlan0: the interface is down. `sudo ip link set wlan0 up` brings it up',
  );
  t.equal(describePcapError('pcap wlan0', new Error('words')), 'pcap wlan0: words');
  t.equal(linkTypeNumber('LINKTYPE_ETHERNET'), 1);
  t.equal(linkTypeNumber('Unknown linktype 276'), 276);
});

void t.test('settings', (t) => {
  const ok = (more: object) => transportSettings.safeParse({ type: 'pcap', ...more }).success;
  t.ok(ok({ interface: 'wlan0' }));
  t.ok(ok({ file: 'walk.pcap', port: 5500, from: '10.10.10.10', speed: 'fastest' }));
  t.ok(ok({ file: 'walk.pcap', speed: 4 }));
  t.notOk(ok({}));
  t.notOk(ok({ interface: 'wlan0', file: 'walk.pcap' }));
  t.notOk(ok({ file: 'walk.pcap', speed: 0 }));
  t.notOk(ok({ file: 'walk.pcap', from: 'shelf' }));
  t.end();
});
