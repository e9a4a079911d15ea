/** What the gateway needs of the machine, whatever its sensors are. */
import { existsSync } from 'node:fs';
import { access, constants, mkdir, readdir, readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { allSensors } from '../config.js';
import type { Config } from '../config.js';
import { packageRoot, requiredNodeVersion } from '../package-root.js';
import { note, ok, problem } from './finding.js';
import type { Finding } from './finding.js';

export function nodeVersion(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const required = requiredNodeVersion();
  const [neededMajor = 0, neededMinor = 0] = required.split('.').map(Number);
  const fits = major > neededMajor || (major === neededMajor && minor >= neededMinor);
  return fits
    ? ok('Node.js', process.versions.node)
    : problem('Node.js', `${process.versions.node} is too old: install ${required} or newer`);
}

export async function dataDirectory({ dataDirectory: folder }: Config): Promise<Finding> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
    return ok('data directory', folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return problem(
      'data directory',
      `${folder} cannot be written (${code ?? String(error)}): make it this user's, or set dataDirectory to another folder`,
    );
  }
}

/** Groups whose devices the configuration uses; opening a device tells for sure whether this user may. */
export async function* groups(config: Config): AsyncGenerator<Finding> {
  const wanted = await neededGroups(config);
  if (wanted.size === 0) return;
  if (process.getuid?.() === 0) {
    yield note('user', 'root may open everything: ask again as the user that runs the gateway');
    return;
  }
  const { username } = userInfo();
  const own = new Set([process.getgid?.(), ...(process.getgroups?.() ?? [])]);
  const known = parseGroups(await readFile('/etc/group', 'utf8').catch(() => ''));
  for (const [name, devices] of wanted) {
    const about = `group ${name}`;
    const group = known.get(name);
    if (group && own.has(group.id)) yield ok(about, `${username} is in it (${devices})`);
    else if (group?.members.includes(username))
      yield note(about, `${username} is in it, but not yet in this session: log in anew (${devices})`);
    else
      yield note(
        about,
        `${username} is not in it (${devices}): \`sudo usermod -aG ${name} "$USER"\`, then log in anew`,
      );
  }
}

/** @returns what each group opens, by the group */
async function neededGroups(config: Config): Promise<Map<string, string>> {
  const sensors = allSensors(config).map(({ sensor }) => sensor);
  const uses = (type: string) => sensors.some(({ transport }) => transport?.type === type);
  const found = new Map<string, string>();
  if (uses('serial') || sensors.some(({ settings }) => commandPortOf(settings))) found.set('dialout', 'serial ports');
  if (uses('v4l2')) found.set('video', 'cameras');
  const graphics = await readdir('/dev/dri').catch(() => []);
  if (config.models.providers.includes('webgpu') && graphics.some((name) => name.startsWith('renderD')))
    found.set('render', 'GPU, for WebGPU');
  return found;
}

function commandPortOf(settings: unknown): boolean {
  const { commandPort } = settings as { commandPort?: unknown };
  // Livox has a UDP port of that name.
  return typeof commandPort === 'string';
}

/** group(5): name:password:id:members */
export function parseGroups(text: string): Map<string, { id: number; members: string[] }> {
  return new Map(
    text.split('\n').flatMap((line) => {
      const [name = '', , id = '', members = ''] = line.split(':');
      return name === '' ? [] : [[name, { id: Number(id), members: members.split(',') }] as const];
    }),
  );
}

const rules = '70-babel-gateway.rules';
const ruleFolders = ['/etc/udev/rules.d', '/run/udev/rules.d', '/usr/local/lib/udev/rules.d', '/usr/lib/udev/rules.d'];

/** Whether the rule is installed that gives serial bridges their group and a name that stays. */
export async function udevRule(folders: readonly string[] = ruleFolders): Promise<Finding> {
  const about = 'udev rule';
  const shipped = join(packageRoot, 'systemd', rules);
  const install = `\`sudo install -m 644 ${shipped} /etc/udev/rules.d/ && sudo udevadm control --reload && sudo udevadm trigger --subsystem-match=tty\``;
  const file = folders.map((folder) => join(folder, rules)).find((one) => existsSync(one));
  if (file === undefined)
    return note(about, `not installed; it names serial ports by their USB socket, in /dev/sensors: ${install}`);
  const [installed, own] = await Promise.all([
    readFile(file, 'utf8').catch(() => undefined),
    readFile(shipped, 'utf8'),
  ]);
  return installed === own
    ? ok(about, file)
    : note(about, `${file} is not the one of this version (if you changed it, leave it): ${install}`);
}
