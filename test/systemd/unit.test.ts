import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';

const root = process.cwd();
const read = (...path: string[]) => readFileSync(join(root, ...path), 'utf8');
const unit = read('systemd', 'babel-gateway.service');

/** What `systemd-analyze verify` says of a unit, with the paths of an installation replaced by those of this checkout. */
function verify(t: Test, text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'babel-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'babel-gateway.service');
  writeFileSync(file, text.replaceAll('/usr/bin/node', process.execPath).replaceAll('/opt/babel-gateway', root));
  const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' });
  // It ends with 0 on warnings too: what it says counts.
  return `${status === 0 ? '' : `status ${status}\n`}${stdout}${stderr}`;
}

const noAnalyze = spawnSync('systemd-analyze', ['--version']).error ? 'skipped: no systemd-analyze' : false;

void t.test('systemd-analyze verify finds nothing to say about the unit', { skip: noAnalyze }, (t) => {
  t.equal(verify(t, unit), '');
  t.match(verify(t, unit.replace('ProtectHome=', 'ProtectHoma=')), /ProtectHoma/, 'it would have said something');
  t.end();
});

/** The drop-in that a page shows behind this sentence. */
function dropIn(page: string, sentence: string): string {
  const text = read('docs', page);
  const block = /```ini\n([^]*?)```/.exec(text.slice(text.indexOf(sentence)))?.[1];
  if (!text.includes(sentence) || block === undefined) throw new Error(`${page}: no drop-in behind '${sentence}'`);
  return block;
}

void t.test('the drop-ins of the manual are valid too', { skip: noAnalyze }, (t) => {
  const added = [
    dropIn('transports.md', 'For the service, `sudo systemctl edit'),
    dropIn('service.md', 'For a device of another kind'),
    dropIn('service.md', 'Node.js elsewhere').replace('/usr/local/bin/node', process.execPath),
  ];
  for (const one of added) {
    t.match(one, /^\[Service\]$/m);
    t.equal(verify(t, `${unit}\n${one}`), '', one);
  }
  t.end();
});

void t.test('transports find their devices and addresses allowed', (t) => {
  const values = (key: string) =>
    unit.split('\n').flatMap((line) => (line.startsWith(`${key}=`) ? line.slice(key.length + 1).split(' ') : []));
  const devices = values('DeviceAllow');
  for (const device of ['char-ttyUSB', 'char-ttyACM', 'char-ttyS', 'char-ttyAMA', 'char-video4linux'])
    t.ok(devices.includes(device), device);
  // Names of groups in /proc/devices are known only while their module is loaded.
  for (const module of ['usbserial', 'cdc_acm', 'videodev', 'drm'])
    for (const key of ['Wants', 'After']) t.ok(values(key).includes(`modprobe@${module}.service`), `${key} ${module}`);
  // UDP, TCP and multicast; ipc:// of ZeroMQ and the child processes' channels; the list of interfaces.
  for (const family of ['AF_INET', 'AF_INET6', 'AF_UNIX', 'AF_NETLINK'])
    t.ok(values('RestrictAddressFamilies').includes(family), family);
  for (const group of ['dialout', 'video', 'render']) t.ok(values('SupplementaryGroups').includes(group), group);
  t.strictSame(values('CapabilityBoundingSet'), [''], 'listening to an interface needs the drop-in');
  t.end();
});

void t.test('what the unit starts exists in the repository, as do its pages', (t) => {
  const paths = [...unit.matchAll(/\/opt\/babel-gateway\/(\S+)/g)].map(([, path]) => path!);
  t.strictSame(paths, ['docs/service.md', 'bin/babel-gateway.js']);
  for (const path of paths) t.ok(existsSync(join(root, path)), path);
  t.end();
});

void t.test('what the gateway relies on is in the unit', (t) => {
  const settings = new Set(unit.split('\n'));
  // The notifier's messages come from a child process, and the watchdog only works with both.
  for (const line of ['Type=notify', 'NotifyAccess=all', 'Restart=on-failure', 'StateDirectory=babel-gateway'])
    t.ok(settings.has(line), line);
  t.match(unit, /^WatchdogSec=\d+$/m);
  t.notMatch(unit, /^MemoryDenyWriteExecute=/m, 'the JavaScript engine compiles to memory');
  t.match(unit, /^SupplementaryGroups=.*\bdialout\b/m);
  t.match(unit, /^RestrictAddressFamilies=.*\bAF_UNIX\b/m, 'the notify socket');
  t.end();
});

void t.test('udev rules are well formed and give the ports to dialout, under /dev/sensors', (t) => {
  // udev(7): comma-separated KEY or KEY{attribute}, an operator, a quoted value.
  const assignment = /^([A-Z]+)(\{[A-Za-z_]+\})?(==|!=|\+=|-=|:=|=)"([^"]*)"$/;
  const labels = new Set<string>();
  const targets = new Set<string>();
  let ports = 0;
  for (const line of read('systemd', '70-babel-gateway.rules').split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const keys = new Map<string, string>();
    for (const part of line.split(', ')) {
      const match = assignment.exec(part);
      t.ok(match, part);
      if (match) keys.set(`${match[1]!}${match[2] ?? ''}`, match[4]!);
    }
    if (keys.has('LABEL')) labels.add(keys.get('LABEL')!);
    if (keys.has('GOTO')) targets.add(keys.get('GOTO')!);
    if (!keys.has('SYMLINK')) continue;
    ports++;
    t.match(keys.get('ATTRS{idVendor}'), /^[0-9a-f]{4}$/, 'udev compares with lower-case text');
    t.match(keys.get('ATTRS{idProduct}'), /^[0-9a-f]{4}$/);
    t.equal(keys.get('GROUP'), 'dialout');
    t.equal(keys.get('MODE'), '0660');
    t.match(keys.get('SYMLINK'), /^sensors\/[a-z0-9]+-\$id$/);
  }
  t.equal(ports, 2);
  t.strictSame(targets, labels, 'every GOTO has its LABEL');
  t.end();
});
