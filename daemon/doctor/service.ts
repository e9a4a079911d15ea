/** Whether the service (docs/service.md) would reach what the configuration names: it has fewer rights than whoever asks. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { allSensors } from '../config.js';
import type { Config } from '../config.js';
import { packageRoot } from '../package-root.js';
import { note, ok, output } from './finding.js';
import type { Finding } from './finding.js';

const about = 'service';

/** Where systemd runs; says nothing elsewhere. */
export async function* service(config: Config): AsyncGenerator<Finding> {
  if (!existsSync('/run/systemd/system')) return;
  const found = (process.env['PATH'] ?? '').split(':').some((folder) => existsSync(join(folder, 'systemd-notify')));
  if (!found) yield note('systemd', 'systemd-notify is missing; to run as a service: sudo apt install systemd');
  // Standard output has the unit with its drop-ins, each with its file's name in a comment.
  const installed = await output('systemctl', ['cat', '--no-pager', 'babel-gateway.service']);
  const isInstalled = installed?.status === 0;
  if (isInstalled) {
    const active = await output('systemctl', ['is-active', 'babel-gateway.service']);
    if (active?.text === 'active')
      yield note(
        about,
        'it runs now and holds its devices and ports, so that they are in use for doctor: `sudo systemctl stop babel-gateway` first',
      );
  }
  const unit = isInstalled
    ? installed.text
    : await readFile(join(packageRoot, 'systemd', 'babel-gateway.service'), 'utf8');
  const lacks = missingInUnit(unit, config);
  for (const text of lacks) yield note(about, `${isInstalled ? 'the installed unit' : 'the shipped unit'} ${text}`);
  if (lacks.length === 0 && isInstalled) yield ok(about, 'the installed unit allows what the sensors need');
}

/**
 * @param unit its text, drop-ins included
 * @returns what the sensors need and the unit does not allow, each with the remedy
 */
export function missingInUnit(unit: string, config: Config): string[] {
  const lines = unit.split('\n').filter((line) => !/^\s*[#;]/.test(line));
  const has = (key: string, value: RegExp) => lines.some((line) => line.startsWith(`${key}=`) && value.test(line));
  const sensors = allSensors(config).map(({ sensor: { transport } }) => transport);
  const found: string[] = [];
  const listens = sensors.some((one) => one?.type === 'pcap' && one.interface !== undefined);
  const mayListen =
    has('AmbientCapabilities', /\bCAP_NET_RAW\b/i) &&
    has('CapabilityBoundingSet', /\bCAP_NET_RAW\b/i) &&
    has('RestrictAddressFamilies', /\bAF_PACKET\b/);
  if (listens && !mayListen)
    found.push('may not listen to a network interface (pcap): docs/transports.md has the drop-in for it');
  if (sensors.some((one) => one?.type === 'v4l2') && !has('DeviceAllow', /=(char-video4linux|\/dev\/video)/))
    found.push('may not open cameras: a drop-in with `DeviceAllow=char-video4linux rw` lets it (docs/service.md)');
  for (const one of sensors) {
    if (one?.type === 'zmq' && has('PrivateTmp', /=(yes|true|1)/) && /^ipc:\/\/(\/var)?\/tmp\//.test(one.endpoint))
      found.push(`has a /tmp of its own, where ${one.endpoint} is not: let the publisher use a socket in /run`);
    const file = one && ('file' in one ? one.file : one.type === 'serial' ? one.path : undefined);
    if (file !== undefined && has('ProtectHome', /=(yes|true|1)/) && /^\/(home|root)\//.test(file))
      found.push(`does not see ${file}: move it out of the home directory, for instance to /var/lib/babel-gateway`);
  }
  return found;
}
