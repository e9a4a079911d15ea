/** The one description of the configuration file: types, validation and the manual's reference page all come from it.
 *
 *  `.describe()` is the reference page's text. Two more notes for that page are kept in `.meta()`:
 *    defaultText  the default in words, where it depends on the machine or on other keys
 *    entry        what the keys of a mapping name, for instance `place`
 *    seeBelow     a section of the page that describes what is inside */
import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { Driver } from '../drivers/driver.js';
import { modalities } from '../drivers/frames.js';
import { drivers } from '../drivers/registry.js';
import { transportSettings } from '../drivers/transports/registry.js';
import { providerNames } from '../models/providers.js';
import { activityPolicy } from './activity-policy.js';
import { gatewayName, placeName, sensorName } from './topics.js';

/** @returns the host name with what MQTT or its brokers refuse in a topic level replaced by `-` */
export function gatewayNameOf(host: string): string {
  // The first label only: `pi.fritz.box` and `pi` are the same machine, and the network decides which one is reported.
  const name = (host.split('.')[0] ?? '').replace(/[/+#$\s\p{Cc}\p{Cs}]/gu, '-').slice(0, 64);
  return name === '' ? 'gateway' : name;
}

/** Where state is kept if the configuration does not say: systemd's StateDirectory=, else the XDG base directories. */
export function defaultDataDirectory(environment: NodeJS.ProcessEnv): string {
  const fromSystemd = environment['STATE_DIRECTORY']?.split(':')[0];
  if (fromSystemd) return fromSystemd;
  const state = environment['XDG_STATE_HOME'];
  return join(state === undefined || state === '' ? join(homedir(), '.local', 'state') : state, 'babel-gateway');
}

const isMapping = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
/** Lets a check over several keys run although one of them is wrong: all problems are reported at once. */
const onAnyMapping = { when: ({ value }: { value: unknown }) => isMapping(value) };
const path = z.string().min(1);

/** Keys of `mqtt` that mean something with one kind of broker only. */
const embeddedOnly = ['host', 'port'] as const;
const externalOnly = ['username', 'password'] as const;

const mqtt = z
  .strictObject({
    broker: z
      .string()
      .superRefine((text, context) => {
        const message = brokerProblem(text);
        if (message !== undefined) context.addIssue({ code: 'custom', message });
      })
      .default('embedded')
      .describe(
        '`embedded`: the gateway is the broker. Or the address of another one: `mqtt://host:1883`, or `mqtts://host:8883` for TLS (a certificate authority of your own is named by the environment variable `NODE_EXTRA_CA_CERTS`).',
      ),
    host: z
      .string()
      .min(1)
      .exactOptional()
      .describe(
        'Address that the embedded broker listens on. It asks nobody for a password: with any other address than loopback, everybody in that network can read and publish.',
      )
      .meta({ defaultText: '`127.0.0.1`' }),
    port: z
      .int()
      .min(0)
      .max(65535)
      .exactOptional()
      .describe('Port that the embedded broker listens on. 0 takes a free one, which the log names.')
      .meta({ defaultText: '`1883`' }),
    username: z.string().min(1).exactOptional().describe('User name at an external broker.'),
    password: z
      .string()
      .exactOptional()
      .describe('Password at an external broker. Keep it out of the file: `password: ${MQTT_PASSWORD}`.'),
  })
  .superRefine((value, context) => {
    if (typeof value.broker !== 'string') return;
    const embedded = value.broker === 'embedded';
    for (const key of embedded ? externalOnly : embeddedOnly) {
      if (value[key] === undefined) continue;
      const message = embedded
        ? 'the embedded broker has no users; remove this key, or name an external broker in mqtt.broker'
        : 'this is for the embedded broker; write host and port into mqtt.broker, for instance mqtt://host:1883';
      context.addIssue({ code: 'custom', path: [key], message });
    }
  }, onAnyMapping)
  .transform((value) => ({ host: '127.0.0.1', port: 1883, ...value }))
  .prefault({})
  .describe('The MQTT broker that labels and states are published to.');

function brokerProblem(text: string): string | undefined {
  if (text === 'embedded') return undefined;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['mqtt:', 'mqtts:'].includes(url.protocol) || url.hostname === '')
    return 'expected embedded, or the address of a broker such as mqtt://192.168.1.10:1883 or mqtts://broker.example:8883';
  if (url.username !== '' || url.password !== '')
    return 'the address must not hold a user name or password; give them as mqtt.username and mqtt.password';
  return undefined;
}

const models = z
  .strictObject({
    providers: z
      .array(z.enum(providerNames))
      .min(1)
      .refine((list) => new Set(list).size === list.length, 'each provider may stand here once')
      .default([...providerNames])
      .describe(
        'Execution providers of ONNX Runtime that may be used. Each that runs a tower and agrees with the CPU is measured; the tower runs on the fastest.',
      ),
    threads: z.int().min(1).max(256).default(1).describe('Threads that the models may use on the CPU.'),
    towers: z
      .partialRecord(z.enum(modalities), path)
      .default({})
      .describe('Folders of towers to use instead of the shipped ones.')
      .meta({ entry: 'modality' }),
  })
  .prefault({})
  .describe('How the models run.');

/** Devices that the gateway plays itself: they speak the device's protocol on a loopback port of the gateway's own. */
const virtualBodyFeed = z
  .strictObject({
    kind: z.literal('virtual-body'),
    seed: z.int().min(0).default(1).describe('Seed of the motion and its noise: the same seed, the same performance.'),
  })
  .describe(
    'For the drivers `witmotion-wt901`, `skeleton-zmq` and `depth-zmq`: a simulated person who performs trained actions in turn, with rests, as a sensor on the right wrist and a camera perceive them. Feeds of the same seed are of the same person at the same time. Everything from it is marked virtual.',
  );
const utdMhadFeed = z
  .strictObject({
    kind: z.literal('utd-mhad'),
    data: path.describe(
      'The UTD-MHAD folder, which holds `Inertial`, and `Skeleton` or `Depth` for the drivers of those.',
    ),
    subjects: z.array(z.int().min(1).max(8)).min(1).describe('Subjects whose recordings are played, 1 to 8.'),
    actions: z
      .array(z.int().min(1).max(27))
      .min(1)
      .exactOptional()
      .describe('Actions that are played, 1 to 27.')
      .meta({ defaultText: 'all' }),
    trials: z
      .array(z.int().min(1).max(4))
      .min(1)
      .exactOptional()
      .describe('Repetitions that are played, 1 to 4.')
      .meta({ defaultText: 'all' }),
    pause: z
      .number()
      .min(0.5)
      .max(3600)
      .default(1.5)
      .describe(
        'Silence between two recordings, seconds; below `silenceTimeout`, lest the sensor be opened anew each time.',
      ),
    repeat: z.boolean().default(false).describe('Begin again after the last recording.'),
  })
  .describe(
    'For the drivers `witmotion-wt901`, `skeleton-zmq` and `depth-zmq`: real recordings of UTD-MHAD, played as device bytes at the speed at which they were recorded. Feeds that say the same here play the same performance at the same time.',
  );
export const feedSettings = z.discriminatedUnion('kind', [virtualBodyFeed, utdMhadFeed]);
export type FeedSettings = z.output<typeof feedSettings>;

/** Drivers that the gateway can play a device to. */
const played: ReadonlySet<string> = new Set(['witmotion-wt901', 'skeleton-zmq', 'depth-zmq']);

function sensorWith(driver: Driver) {
  // What any device sent can have been recorded.
  const usable = transportSettings.options.filter(
    ({ shape: { type } }) => type.value in driver.transports || type.value === 'recording',
  );
  return z.strictObject({
    driver: z.literal(driver.name).describe('The protocol that the device speaks.').meta({ seeBelow: 'Drivers' }),
    transport: z
      .discriminatedUnion('type', usable as unknown as typeof transportSettings.options)
      .exactOptional()
      .describe('How its bytes come in. A sensor has either a transport or a feed.')
      .meta({ seeBelow: 'Transports' }),
    feed: (played.has(driver.name) ? feedSettings : z.never('the gateway plays no such device; give a transport'))
      .exactOptional()
      .describe('Instead of a transport: the gateway itself plays the device, on a loopback port.')
      .meta({ seeBelow: 'Feeds' }),
    settings: driver.settings
      .prefault({})
      .describe("The device's own settings, as the driver defines them.")
      .meta({ seeBelow: 'Drivers', defaultText: 'as the driver says' }),
    silenceTimeout: z
      .number()
      .min(0.1)
      .max(3600)
      .default(2)
      .describe('Seconds without a frame before the sensor counts as silent and is opened anew.'),
  });
}

const sensor = z
  .discriminatedUnion('driver', drivers.map(sensorWith) as [ReturnType<typeof sensorWith>])
  .superRefine((value, context) => {
    if (value.transport !== undefined && value.feed !== undefined)
      context.addIssue({
        code: 'custom',
        path: ['feed'],
        message: 'a sensor has either a transport or a feed: remove one of them',
      });
    if (value.transport === undefined && value.feed === undefined)
      context.addIssue({
        code: 'custom',
        message:
          'how do its bytes come in? Give a transport, for instance transport: { type: serial, path: /dev/ttyUSB0 }',
      });
  }, onAnyMapping)
  .describe('A sensor; its name is unique in the whole file.');
export type SensorConfig = z.output<typeof sensor>;

const isNotEmpty = (value: unknown) => !isMapping(value) || Object.keys(value).length > 0;

const place = z
  .strictObject({
    sensors: z
      .record(sensorName, sensor)
      .refine(isNotEmpty, 'a place needs at least one sensor')
      .describe('The sensors of the place.')
      .meta({ entry: 'sensor' }),
    modalities: z
      .union([z.literal('all'), z.array(z.enum(modalities)).min(1)])
      .default('all')
      .describe(
        'Kinds of sensor to fuse, for instance [imu, skeleton]; all: whatever is there. It can be changed while the gateway runs (docs/mqtt.md).',
      ),
    activities: activityPolicy.prefault({}),
  })
  .describe('A room or other space. All its sensors observe the same people, and only sensors of one place are fused.');
export type PlaceConfig = z.output<typeof place>;

const places = z
  .record(placeName, place)
  .refine(isNotEmpty, 'the gateway needs at least one place with a sensor; examples/home.yaml shows one')
  .superRefine((value, context) => {
    const placeOf = new Map<string, string>();
    for (const [placeKey, written] of Object.entries<unknown>(value)) {
      const sensors = isMapping(written) ? written['sensors'] : undefined;
      for (const name of isMapping(sensors) ? Object.keys(sensors) : []) {
        const first = placeOf.get(name);
        if (first === undefined) placeOf.set(name, placeKey);
        else
          context.addIssue({
            code: 'custom',
            path: [placeKey, 'sensors', name],
            message: `the name ${name} is taken by a sensor of ${first}: sensor names are unique in the whole gateway`,
          });
      }
    }
  }, onAnyMapping)
  .describe('The places that the gateway watches, each with its sensors.')
  .meta({ entry: 'place' });

export const configSchema = z.strictObject({
  gateway: gatewayName
    .default(() => gatewayNameOf(hostname()))
    .describe('Name of this gateway: topics begin with `babel/<gateway>/`.')
    .meta({ defaultText: 'the host name' }),
  mqtt,
  dataDirectory: path
    .default(() => defaultDataDirectory(process.env))
    .describe('Folder for what must outlive a restart, such as labels that wait for the broker.')
    .meta({
      defaultText: '`$STATE_DIRECTORY`, else `$XDG_STATE_HOME/babel-gateway`, else `~/.local/state/babel-gateway`',
    }),
  models,
  log: z
    .strictObject({
      level: z
        .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal'])
        .default('info')
        .describe('The least serious message that is logged.'),
    })
    .prefault({})
    .describe('The log.'),
  places,
});

/** A whole configuration: every default filled in, every path absolute. */
export type Config = z.output<typeof configSchema>;

/** @returns every sensor of the configuration, in the file's order */
export function allSensors(config: Config): { place: string; name: string; sensor: SensorConfig }[] {
  return Object.entries(config.places).flatMap(([place, { sensors }]) =>
    Object.entries(sensors).map(([name, sensor]) => ({ place, name, sensor })),
  );
}
