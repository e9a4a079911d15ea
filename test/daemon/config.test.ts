import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { ConfigError, loadConfig, parseConfig, type Config } from '../../daemon/config.js';
import { writtenSchema, type JsonSchema } from '../../daemon/config-problems.js';
import { configurationReference, referenceFile } from '../../daemon/config-reference.js';
import { defaultDataDirectory, gatewayNameOf } from '../../daemon/config-schema.js';
import { packageRoot } from '../../daemon/package-root.js';
import { closest, editDistance } from '../../daemon/suggest.js';
import { drivers } from '../../drivers/registry.js';
import { transportSettings } from '../../drivers/transports/registry.js';

const home = `gateway: home
places:
  living-room:
    sensors:
      wrist:
        driver: witmotion-wt901
        transport: { type: serial, path: /dev/ttyUSB0 }
`;

function problems(text: string, environment: NodeJS.ProcessEnv = {}): string[] {
  try {
    parseConfig(text, 'home.yaml', environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
  return [];
}

void t.test('a short file is a whole configuration', (t) => {
  const config: Config = parseConfig(home, 'home.yaml', {});
  t.equal(config.gateway, 'home');
  t.same(config.mqtt, { broker: 'embedded', host: '127.0.0.1', port: 1883 });
  t.same(config.models, { providers: ['cuda', 'webgpu', 'cpu'], threads: 1, towers: {} });
  t.equal(config.log.level, 'info');
  const wrist = config.places['living-room']?.sensors['wrist'];
  t.same(wrist, {
    driver: 'witmotion-wt901',
    transport: { type: 'serial', path: '/dev/ttyUSB0' },
    settings: { accelerationRange: 16, angularRateRange: 2000, outputRate: 50 },
    silenceTimeout: 2,
  });
  t.end();
});

void t.test('every mistake is reported at its line and key', (t) => {
  const cases: [name: string, text: string, expected: string[]][] = [
    [
      'unknown driver, with what is wrong beside it',
      home.replace('witmotion-wt901', 'witmotion') + '        silenceTimout: 3\n',
      [
        'home.yaml:6:17: places.living-room.sensors.wrist.driver: unknown driver "witmotion"; did you mean "witmotion-wt901"?',
        'home.yaml:8:9: places.living-room.sensors.wrist.silenceTimout: unknown key; did you mean "silenceTimeout"?',
      ],
    ],
    [
      'unknown driver, nothing near',
      home.replace('witmotion-wt901', 'thermometer'),
      [
        `home.yaml:6:17: places.living-room.sensors.wrist.driver: unknown driver "thermometer"; known: ${drivers.map(({ name }) => name).join(', ')}`,
      ],
    ],
    [
      'no driver',
      home.replace('        driver: witmotion-wt901\n', ''),
      [
        `home.yaml:5:7: places.living-room.sensors.wrist.driver: missing; one of: ${drivers.map(({ name }) => name).join(', ')}`,
      ],
    ],
    ['unknown key at the top', `${home}plces: 1\n`, ['home.yaml:8:1: plces: unknown key; did you mean "places"?']],
    [
      'unknown key, nothing near',
      `${home}log: { colour: red }\n`,
      ['home.yaml:8:8: log.colour: unknown key; known here: level'],
    ],
    [
      "driver's setting: unknown key",
      `${home}        settings:\n          accelerationRnage: 16\n`,
      [
        'home.yaml:9:11: places.living-room.sensors.wrist.settings.accelerationRnage: unknown key; did you mean "accelerationRange"?',
      ],
    ],
    [
      "driver's setting: value",
      `${home}        settings: { accelerationRange: 15 }\n`,
      [
        'home.yaml:8:40: places.living-room.sensors.wrist.settings.accelerationRange: expected one of 2, 4, 8, 16, not 15',
      ],
    ],
    [
      'transport: type',
      home.replace('type: serial', 'type: serail'),
      [
        'home.yaml:7:28: places.living-room.sensors.wrist.transport.type: unknown type "serail"; did you mean "serial"?',
      ],
    ],
    [
      'transport: missing key',
      home.replace(', path: /dev/ttyUSB0', ''),
      ['home.yaml:7:9: places.living-room.sensors.wrist.transport.path: missing; expected text'],
    ],
    [
      'neither transport nor feed',
      home.replace(/ *transport.*\n/, ''),
      [
        'home.yaml:5:7: places.living-room.sensors.wrist: how do its bytes come in? Give a transport, for instance transport: { type: serial, path: /dev/ttyUSB0 }',
      ],
    ],
    [
      'a feed that the gateway cannot play to the driver',
      home.replace('witmotion-wt901', 'depth-zmq').replace(/transport.*/, 'feed: { kind: ghost }'),
      [
        'home.yaml:7:23: places.living-room.sensors.wrist.feed.kind: unknown kind "ghost"; known: virtual-body, utd-mhad',
      ],
    ],
    [
      'a feed of a device that the gateway cannot play',
      home.replace('witmotion-wt901', 'velodyne').replace(/transport.*/, 'feed: { kind: virtual-body }'),
      ['home.yaml:7:9: places.living-room.sensors.wrist.feed: the gateway plays no such device; give a transport'],
    ],
    [
      'transport and feed',
      `${home}        feed: { kind: virtual-body }\n`,
      [
        'home.yaml:8:9: places.living-room.sensors.wrist.feed: a sensor has either a transport or a feed: remove one of them',
      ],
    ],
    [
      'one sensor name in two places',
      `${home}  kitchen:\n    sensors:\n      wrist: { driver: witmotion-wt901, feed: { kind: virtual-body } }\n`,
      [
        'home.yaml:10:7: places.kitchen.sensors.wrist: the name wrist is taken by a sensor of living-room: sensor names are unique in the whole gateway',
      ],
    ],
    [
      'a name that is no topic level',
      home.replace('living-room:', 'living/room:'),
      [
        'home.yaml:3:3: places.living/room: a name becomes part of an MQTT topic: it must not contain / + # or control characters',
      ],
    ],
    ['number', `${home}models: { threads: many }\n`, ['home.yaml:8:20: models.threads: expected a number, not "many"']],
    ['too small', `${home}models: { threads: 0 }\n`, ['home.yaml:8:20: models.threads: must be at least 1, not 0']],
    [
      'list items',
      `${home}models: { providers: [cpu, webgp] }\n`,
      ['home.yaml:8:28: models.providers.1: "webgp" is not known here; did you mean "webgpu"?'],
    ],
    [
      'choice',
      `${home}log: { level: loud }\n`,
      [/^home\.yaml:8:15: log\.level: expected one of trace, .*, not "loud"$/.source],
    ],
    [
      'empty section',
      `mqtt:\n${home}`,
      ['home.yaml:1:1: mqtt: is empty; expected keys below it, indented, or delete the line'],
    ],
    [
      'broker address',
      `${home}mqtt: { broker: 192.168.1.10 }\n`,
      [
        'home.yaml:8:17: mqtt.broker: expected embedded, or the address of a broker such as mqtt://192.168.1.10:1883 or mqtts://broker.example:8883',
      ],
    ],
    [
      'keys of the other kind of broker',
      `${home}mqtt: { broker: mqtt://broker, port: 1884 }\n`,
      [
        'home.yaml:8:38: mqtt.port: this is for the embedded broker; write host and port into mqtt.broker, for instance mqtt://host:1883',
      ],
    ],
    [
      'password for the embedded broker',
      `${home}mqtt: { password: secret }\n`,
      [
        'home.yaml:8:19: mqtt.password: the embedded broker has no users; remove this key, or name an external broker in mqtt.broker',
      ],
    ],
    [
      'password that YAML takes for a number is not repeated in the message',
      `${home}mqtt: { broker: mqtt://broker, password: 12345 }\n`,
      ['home.yaml:8:42: mqtt.password: expected text, not a number; put it in quotes'],
    ],
    ['no places', 'gateway: home\n', ['home.yaml:1:1: places: missing; expected keys below it, indented']],
    ['empty file', '', ['home.yaml:1:1: places: missing; expected keys below it, indented']],
    ['not a mapping', '- 1\n', ['home.yaml:1:1: expected keys below it, indented, not [1]']],
    [
      'YAML syntax',
      'gateway: [home\n',
      ['home.yaml:2:1: Flow sequence in block collection must be sufficiently indented and end with a ]'],
    ],
    ['a key given twice', `${home}gateway: other\n`, ['home.yaml:8:1: this key is given twice']],
    ['two documents', `${home}---\n${home}`, ['home.yaml:8:1: a second YAML document begins here; keep one']],
  ];
  for (const [name, text, expected] of cases) {
    const found = problems(text);
    if (name === 'choice') t.match(found[0], new RegExp(expected[0]!), name);
    else t.same(found, expected, name);
  }
  t.end();
});

void t.test('all problems of a file are reported together, in order of lines', (t) => {
  const text = `${home.replace('gateway: home', 'gateway: a/b')}models: { threads: 0 }\nlog: { levl: info }\n`;
  t.same(
    problems(text).map((line) => line.split(': ').slice(0, 2).join(' ')),
    ['home.yaml:1:10 gateway', 'home.yaml:8:20 models.threads', 'home.yaml:9:8 log.levl'],
  );
  t.end();
});

void t.test('a file that unfolds without end is refused', (t) => {
  const bomb = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
  for (const [name, of] of ['ba', 'cb', 'dc', 'ed', 'fe', 'gf', 'hg'].map((pair) => [pair[0]!, pair[1]!] as const))
    bomb.push(`${name}: &${name} [${Array.from({ length: 10 }, () => `*${of}`).join(', ')}]`);
  t.match(problems(bomb.join('\n')), [/alias/]);
  t.end();
});

void t.test('environment variables', (t) => {
  const withPassword = `${home}mqtt:\n  broker: mqtt://broker\n  password: \${MQTT_PASSWORD}\n`;
  const config = parseConfig(withPassword, 'home.yaml', { MQTT_PASSWORD: '0123 ${HOME}' });
  t.equal(config.mqtt.password, '0123 ${HOME}', 'stays text, and what it holds is not substituted again');
  t.same(problems(withPassword), ['home.yaml:10:13: mqtt.password: the environment variable MQTT_PASSWORD is not set']);
  t.same(problems(withPassword.replace('MQTT_PASSWORD', 'A-B')), [
    'home.yaml:10:13: mqtt.password: ${A-B} is not the name of an environment variable; only ${NAME} can stand here',
  ]);
  t.same(
    problems(`${home}mqtt: { broker: \${BROKER} }\n`),
    ['home.yaml:8:18: inside { } and [ ] put quotes around "${NAME}"'],
    'YAML takes the brace for a mapping of its own',
  );
  const played = parseConfig(
    home.replace(/transport.*/, 'feed: { kind: utd-mhad, data: "${SENSING_DATA}/utd-mhad", subjects: [2, 4] }'),
    'home.yaml',
    { SENSING_DATA: '/data' },
  );
  t.match(played.places['living-room']?.sensors['wrist']?.feed, {
    data: '/data/utd-mhad',
    subjects: [2, 4],
    pause: 1.5,
  });
  t.end();
});

void t.test('paths are meant from the folder of the file', (t) => {
  const config = parseConfig(
    `${home}dataDirectory: state\nmodels: { towers: { imu: ../towers/imu } }\n`,
    '/etc/babel-gateway/babel-gateway.yaml',
  );
  t.equal(config.dataDirectory, '/etc/babel-gateway/state');
  t.equal(config.models.towers.imu, '/etc/towers/imu');
  t.end();
});

void t.test('defaults that depend on the machine', (t) => {
  t.equal(gatewayNameOf('pi-4.fritz.box'), 'pi-4');
  t.equal(gatewayNameOf('a b/c#d'), 'a-b-c-d');
  t.equal(gatewayNameOf(''), 'gateway');
  t.equal(defaultDataDirectory({ STATE_DIRECTORY: '/var/lib/babel-gateway' }), '/var/lib/babel-gateway');
  t.equal(defaultDataDirectory({ XDG_STATE_HOME: '/state' }), '/state/babel-gateway');
  t.match(defaultDataDirectory({}), /\/\.local\/state\/babel-gateway$/);
  t.end();
});

void t.test('a file that cannot be read', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'babel-gateway-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await t.rejects(loadConfig(join(folder, 'none.yaml')), {
    message: /no such file\. Begin with a copy of .*home\.yaml/,
  });
  await t.rejects(loadConfig(folder), { message: /this is a folder/ });
  const file = join(folder, 'good.yaml');
  await writeFile(file, home);
  t.equal((await loadConfig(file)).gateway, 'home');
});

void t.test('the shipped examples are valid', async (t) => {
  const real = await loadConfig(join(packageRoot, 'examples', 'home.yaml'));
  t.equal(real.places['living-room']?.sensors['wrist']?.transport?.type, 'serial');
  const demo = await loadConfig(join(packageRoot, 'examples', 'demo.yaml'));
  t.equal(demo.places['living-room']?.sensors['wrist']?.feed?.kind, 'virtual-body');
  for (const name of ['utd-mhad-three', 'five-captures']) {
    const file = join(packageRoot, 'examples', `${name}.yaml`);
    const config = parseConfig(await readFile(file, 'utf8'), file, { SENSING_DATA: '/data' });
    const { wrist, skeleton, depth } = config.places['laboratory']!.sensors;
    t.match(skeleton?.feed, { kind: 'utd-mhad', data: '/data/utd-mhad' });
    t.strictSame([wrist?.feed, depth?.feed], [skeleton?.feed, skeleton?.feed], 'they play together');
  }
});

void t.test('drivers and transports refuse keys that they do not know', (t) => {
  for (const { name, settings } of drivers)
    t.equal(writtenSchema(settings).additionalProperties, false, `${name}: settings are a z.strictObject`);
  for (const kind of writtenSchema(transportSettings).oneOf ?? [])
    t.equal(kind.additionalProperties, false, `transport ${String(kind.properties?.['type']?.const)}`);
  t.end();
});

void t.test('the reference page is up to date and describes every setting', async (t) => {
  const page = configurationReference();
  t.equal(await readFile(referenceFile, 'utf8'), page, 'run `npm run docs` and commit docs/configuration.md');
  for (const { name, settings } of drivers) {
    t.match(page, `### \`${name}\``);
    const { properties = {} }: JsonSchema = writtenSchema(settings);
    for (const [key, { description }] of Object.entries(properties)) {
      t.match(page, `| \`${key}\` |`);
      t.type(description, 'string', `${name}: ${key} has a description`);
    }
  }
});

void t.test('suggestions', (t) => {
  t.equal(editDistance('', 'abc'), 3);
  t.equal(editDistance('kitten', 'sitting'), 3);
  t.equal(editDistance('abcd', 'acbd'), 1, 'an exchange of neighbours is one edit');
  t.equal(closest('palces', ['mqtt', 'places']), 'places');
  t.equal(closest('BaudRate', ['baudRate', 'path']), 'baudRate');
  t.equal(closest('x', ['mqtt', 'places']), undefined);
  t.end();
});
