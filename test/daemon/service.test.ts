import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import t, { type Test } from 'tap';
import { createServiceNotifier } from '../../daemon/service.js';

const python = '/usr/bin/python3';
const missing = (program: string) => (spawnSync(program, ['--version']).error ? `skipped: no ${program}` : false);
const skip = missing('systemd-notify') || missing(python);

/** What systemd does: binds a datagram socket and reads one message after another. */
const listener = `
import json, os, socket, struct, sys
address = sys.argv[1]
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind('\\0' + address[1:] if address.startswith('@') else address)
print(json.dumps('bound'), flush=True)
while True:
    data, ancillary, _, _ = s.recvmsg(4096, 512, socket.MSG_CMSG_CLOEXEC)
    for level, kind, value in ancillary:
        if kind == socket.SCM_RIGHTS:
            for fd in struct.unpack('%di' % (len(value) // 4), value): os.close(fd)
    print(json.dumps(data.decode().strip().split('\\n')), flush=True)
`;

/** A fresh path; short, since a socket's has at most 107 bytes. */
function socketPath(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'babel-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  return join(directory, 'notify');
}

/** A real datagram socket at `address`; `next()` gives the next message's assignments. */
async function listen(t: Test, address: string) {
  const child = spawn(python, ['-c', listener, address], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => void child.kill());
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  async function line(): Promise<unknown> {
    const line = await lines.next();
    if (line.done) throw new Error('the listener ended');
    return JSON.parse(line.value);
  }
  t.equal(await line(), 'bound');
  async function next(): Promise<unknown> {
    const message = await line();
    // systemd-notify waits until its message was read: until the listener has closed a descriptor that follows it.
    t.strictSame(await line(), ['BARRIER=1']);
    return message;
  }
  return { next };
}

const silent = pino({ level: 'silent' });
const PATH = process.env['PATH'];

for (const kind of ['path', 'abstract'] as const) {
  void t.test(`ready, status, alive and stopping reach a real socket (${kind})`, { skip }, async (t) => {
    const address = kind === 'path' ? socketPath(t) : `@babel-gateway-test-${process.pid}`;
    const { next } = await listen(t, address);
    let time = 100;
    const notifier = createServiceNotifier({
      env: { PATH, NOTIFY_SOCKET: address, WATCHDOG_USEC: '20000000', WATCHDOG_PID: String(process.pid) },
      log: silent,
      now: () => time,
    });
    notifier.ready('1 sensor live');
    t.strictSame(await next(), ['READY=1', 'STATUS=1 sensor live']);

    notifier.labelFlowed();
    t.strictSame(await next(), ['WATCHDOG=1'], 'the first label feeds the watchdog');
    time += 4.9;
    notifier.labelFlowed();
    notifier.status('two\nSTOPPING=1');
    t.strictSame(
      await next(),
      ['STATUS=two STOPPING=1'],
      'not again within a quarter of its period; a status is one line',
    );
    time += 0.2;
    notifier.labelFlowed();
    t.strictSame(await next(), ['WATCHDOG=1']);

    notifier.stopping();
    t.strictSame(await next(), ['STOPPING=1']);
  });
}

void t.test('messages keep their order; what waits is sent together, the newest status only', { skip }, async (t) => {
  const address = socketPath(t);
  const { next } = await listen(t, address);
  const notifier = createServiceNotifier({ env: { PATH, NOTIFY_SOCKET: address }, log: silent });
  notifier.status('loading models');
  notifier.status('connecting');
  notifier.ready('ready');
  notifier.labelFlowed();
  notifier.stopping();
  t.strictSame(await next(), ['STATUS=loading models']);
  t.strictSame(
    ((await next()) as string[]).sort(),
    ['READY=1', 'STATUS=ready', 'STOPPING=1'],
    'and no WATCHDOG: systemd does not watch',
  );
});

void t.test('the watchdog of another process is not fed', { skip }, async (t) => {
  const address = socketPath(t);
  const { next } = await listen(t, address);
  for (const watchdog of [
    { WATCHDOG_USEC: '1000000', WATCHDOG_PID: '1' },
    { WATCHDOG_USEC: '0' },
    { WATCHDOG_USEC: 'soon' },
  ]) {
    const notifier = createServiceNotifier({ env: { PATH, NOTIFY_SOCKET: address, ...watchdog }, log: silent });
    notifier.labelFlowed();
    notifier.status('alive');
    t.strictSame(await next(), ['STATUS=alive']);
  }
});

void t.test('a failure to notify is logged once, with what to do, and ends nothing', async (t) => {
  const lines: { msg: string }[] = [];
  let logged: () => void = () => undefined;
  const firstLine = new Promise<void>((resolve) => (logged = resolve));
  const write = (line: string) => {
    lines.push(JSON.parse(line) as { msg: string });
    logged();
  };
  const log = pino({}, { write });
  const notifier = createServiceNotifier({ env: { PATH: t.testdir(), NOTIFY_SOCKET: '/nowhere' }, log });
  notifier.ready('ready');
  await firstLine;
  notifier.status('again');
  notifier.status('and again');
  // The failed starts above report before these, which start later.
  await new Promise((resolve) => spawn(process.execPath, ['--version']).on('exit', resolve));
  t.equal(lines.length, 1);
  t.match(lines[0]!.msg, /ENOENT.*Debian: package systemd/);
});

void t.test('without NOTIFY_SOCKET nothing is started', (t) => {
  const log = pino({ level: 'silent' });
  log.error = () => t.fail('nothing was to be sent');
  // A PATH without the program: an attempt would be logged.
  const notifier = createServiceNotifier({ env: { PATH: t.testdir(), WATCHDOG_USEC: '1000000' }, log });
  notifier.ready('ready');
  notifier.labelFlowed();
  notifier.stopping();
  spawn(process.execPath, ['--version']).on('exit', () => t.end());
});
