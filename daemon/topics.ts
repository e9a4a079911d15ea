/** The MQTT interface: every topic and every message that the gateway publishes. The manual is `docs/mqtt.md`.
 *
 *    babel/<gateway>/status              retained, last will     GatewayStatus
 *    babel/<gateway>/<place>/activity    retained                ActivityMessage
 *    babel/<gateway>/<place>/modalities  retained                PlaceModalities
 *    babel/<gateway>/sensor/<name>       retained                SensorHealth
 *    babel/<gateway>/request/modalities  to the gateway          ModalitiesRequest
 *    babel/<gateway>/response/modalities                         ModalitiesResponse
 *    babel/<gateway>/request/model       to the gateway          ModelRequest
 *    babel/<gateway>/response/model                              ModelResponse
 *    babel/<gateway>/request/teach       to the gateway          TeachRequest
 *    babel/<gateway>/response/teach                              TeachResponse
 *
 *  Every payload is one JSON object in UTF-8. Topic levels: MQTT 3.1.1, sections 4.7.1 and 4.7.3. */
import { z } from 'zod';
import { modalities } from '../drivers/frames.js';
import { faults } from '../pipelines/features.js';
import { keptFor } from './recent-windows.js';

/** Second level of `babel/<gateway>/…` that belongs to the gateway itself, now or later: no place may be named so. */
export const reservedNames: readonly string[] = ['status', 'sensor', 'request', 'response'];

const name = z
  .string()
  .min(1, 'a name must not be empty')
  .max(64, 'a name has at most 64 characters')
  // The characters that MQTT gives a meaning to; control characters and halves of surrogate pairs, which brokers refuse.
  .regex(
    /^[^/+#\p{Cc}\p{Cs}]+$/u,
    'a name becomes part of an MQTT topic: it must not contain / + # or control characters',
  )
  .refine((text) => text.trim() === text, 'a name must not begin or end with a space');

export const gatewayName = name.describe('Name of this gateway, unique on its broker; a level of every topic');
export const placeName = name
  .refine(
    (text) => !reservedNames.includes(text),
    `a place must not be named ${reservedNames.join(', ')}: the gateway uses these topics itself`,
  )
  .describe('Name of a place: a group of sensors that observe the same space');
export const sensorName = name.describe('Name of a sensor, unique in this gateway');

export function statusTopic(gateway: string): string {
  return `babel/${gateway}/status`;
}

export function activityTopic(gateway: string, place: string): string {
  return `babel/${gateway}/${place}/activity`;
}

export function modalitiesTopic(gateway: string, place: string): string {
  return `babel/${gateway}/${place}/modalities`;
}

export function sensorTopic(gateway: string, sensor: string): string {
  return `babel/${gateway}/sensor/${sensor}`;
}

/** What can be asked of a gateway. */
export const requestKinds = ['modalities', 'model', 'teach'] as const;
export type RequestKind = (typeof requestKinds)[number];

export function requestTopic(gateway: string, kind: RequestKind): string {
  return `babel/${gateway}/request/${kind}`;
}

export function responseTopic(gateway: string, kind: RequestKind): string {
  return `babel/${gateway}/response/${kind}`;
}

const time = (what: string) => z.iso.datetime().describe(`${what}, ISO 8601 in UTC`);
const count = (what: string) => z.int().nonnegative().describe(what);
const fraction = (what: string) => z.number().min(0).max(1).describe(`${what}, 0 to 1`);

const virtual = (whose: string) =>
  z.boolean().describe(`True if ${whose} is a simulation: made-up data, never to be taken for a measurement`);
const recorded = (whose: string) => z.boolean().describe(`True if ${whose} is a recording that is played again`);

export const gatewayStatus = z
  .object({
    state: z.enum(['online', 'offline']).describe('offline: stopped, or the broker lost the connection'),
    version: z.string().optional().describe('Version of babel-gateway'),
    since: time('When this gateway was started').optional(),
    bootId: z.string().optional().describe('A new random identifier at each start of the gateway'),
    models: z
      .record(
        z.string(),
        z.object({
          name: z.string().describe('Of the tower'),
          provider: z.string().describe('Execution provider in use, for instance cpu'),
          passedOver: z
            .array(z.object({ provider: z.string(), reason: z.string().describe('Why it could not be used') }))
            .describe('Providers of the configuration that do not serve, or failed while running'),
          milliseconds: z
            .record(z.string(), z.number().nonnegative())
            .optional()
            .describe(
              'Median time of one window on each provider that serves, measured where several do: the fastest is in use',
            ),
        }),
      )
      .optional()
      .describe('Per tower, the execution provider that it runs on'),
  })
  .describe('Whether the gateway runs, and on what');
export type GatewayStatus = z.infer<typeof gatewayStatus>;

export const activityMessage = z
  .object({
    activity: z.string().describe('What happens in the place now'),
    confidence: fraction('How sure the gateway is of it'),
    since: time('When this activity began'),
    modalities: z.array(z.enum(modalities)).describe('Kinds of sensor that contributed'),
    sensors: z.array(z.string()).describe('Names of the sensors that contributed'),
    contributions: z
      .array(
        z.object({
          sensor: z.string(),
          modality: z.enum(modalities),
          activity: z.string().describe('What this sensor alone would have said'),
          confidence: fraction('How sure of it it is'),
          alignmentError: z
            .number()
            .nonnegative()
            .describe("How far its samples are thought to lie from the window's clock, seconds"),
        }),
      )
      .describe('What each contributing sensor says by itself'),
    absent: z
      .array(
        z.object({
          sensor: z.string(),
          modality: z.enum(modalities),
          reason: z.enum(['late', 'clockSet', ...faults]).describe('Why: see docs/mqtt.md'),
        }),
      )
      .describe('Sensors that give frames and yet nothing for this window, and why'),
    probabilities: z.record(z.string(), fraction('Probability')).describe('Probability of each activity in the window'),
    window: z
      .object({ start: time('First instant of the window'), end: time('First instant after the window') })
      .describe('The time that was looked at, to the millisecond'),
    virtual: virtual('any contributing sensor'),
    recorded: recorded('any contributing sensor'),
    sequence: count(
      'Number of the activity change that this message is or follows; grows with each change in any place of this gateway, over restarts too: a number below the last one seen is a redelivery',
    ),
    change: z
      .boolean()
      .describe(
        'True where the activity changed; false where only confidence and window are new, or where it is sent again',
      ),
  })
  .describe('What happens in a place');
export type ActivityMessage = z.infer<typeof activityMessage>;

export const placeModalities = z
  .object({
    set: z
      .union([z.literal('all'), z.array(z.enum(modalities))])
      .describe('Kinds of sensor that the place fuses where they are there; all: whatever is there'),
    fused: z.array(z.enum(modalities)).describe('Those that the newest windows were made of'),
    absent: z
      .array(z.object({ modality: z.enum(modalities), reason: z.string().describe('Why it is not fused') }))
      .describe('The others that the place has sensors of, or that the set names'),
    disagreeing: z
      .array(
        z.object({
          sensor: z.string(),
          modality: z.enum(modalities),
          since: time('When it was found'),
          share: fraction('Share of the windows of 30 s in which it stood alone, as it was when it was found'),
          mutual: z.boolean().describe('True if there is one other sensor only: either of the two may be wrong'),
        }),
      )
      .describe('Sensors that said another activity than all the others for long; they are fused all the same'),
    virtual: virtual('any sensor of the place'),
    recorded: recorded('any sensor of the place'),
    since: time('When this came into force'),
  })
  .describe('Which kinds of sensor a place fuses now');
export type PlaceModalities = z.infer<typeof placeModalities>;

const transaction = z
  .string()
  .max(256)
  .describe('Any text of yours; the response bears it, so that you know which request it answers');

export const modalitiesRequest = z
  .strictObject({
    place: z.string().describe('Name of the place'),
    set: z
      .union([z.literal('all'), z.array(z.enum(modalities)).min(1)])
      .describe('Kinds of sensor to fuse from the next window on; all: whatever is there'),
    transaction: transaction.optional(),
  })
  .describe('Changes what a place fuses');
export type ModalitiesRequest = z.infer<typeof modalitiesRequest>;

export const modalitiesResponse = z
  .object({
    transaction: transaction.optional(),
    status: z.enum(['ok', 'error']),
    reason: z.string().optional().describe('Of an error: what is wrong and what to do'),
    place: z.string().optional(),
    set: placeModalities.shape.set.optional().describe('In force now'),
  })
  .describe('Answer to a request');
export type ModalitiesResponse = z.infer<typeof modalitiesResponse>;

/** Name of a folder in the model store: nothing that a file system could take for another place. */
export const modelName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'must be lower-case letters, digits and "-"');

/** A request that brings a tower may be so long, bytes: some 48 MB of models. */
export const largestInstall = 64 * 1024 * 1024;
/** Any other request may be so long, bytes. */
export const largestRequest = 64 * 1024;

const file = (what: string) => z.string().min(1).max(largestInstall).describe(`${what}, in base64`);

const model = z.string().max(64).describe('Name of a folder in the model store, <dataDirectory>/models');

export const modelRequest = z
  .discriminatedUnion('action', [
    z.strictObject({ action: z.literal('list'), transaction: transaction.optional() }),
    z.strictObject({ action: z.literal('activate'), model, transaction: transaction.optional() }),
    z.strictObject({ action: z.literal('remove'), model, transaction: transaction.optional() }),
    z.strictObject({
      action: z.literal('install'),
      model: modelName.describe('Name of the folder to be made in the model store'),
      files: z.strictObject({
        manifest: file('manifest.json'),
        encoder: file('The ONNX file that the manifest names as encoder'),
        head: file('The ONNX file that it names as head'),
        examples: file('examples.json, with which `teach` keeps what the tower knows').optional(),
      }),
      transaction: transaction.optional(),
    }),
    z.strictObject({
      action: z.literal('rollback'),
      modality: z.enum(modalities),
      transaction: transaction.optional(),
    }),
  ])
  .describe(
    'list: which models there are; install: put this one into the store; activate: use this one; rollback: use the one before; remove: delete this one',
  );
export type ModelRequest = z.infer<typeof modelRequest>;

export const modelResponse = z
  .object({
    transaction: transaction.optional(),
    status: z.enum(['ok', 'error']),
    reason: z.string().optional().describe('Of an error: what is wrong and what to do; the model before goes on'),
    models: z.array(z.string()).optional().describe('Of list, install and remove: the models in the store'),
    active: z.record(z.string(), z.string()).optional().describe('Per modality, the name of the tower in use'),
  })
  .describe('Answer to a request');
export type ModelResponse = z.infer<typeof modelResponse>;

const taughtLabel = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .describe('What it was; a new class, or one that was taught before');

export const teachRequest = z
  .strictObject({
    place: z.string().describe('Name of the place'),
    label: taughtLabel,
    seconds: z.number().positive().max(keptFor).describe('How long it lasted'),
    ago: z.number().nonnegative().max(keptFor).default(0).describe('How long ago it ended, seconds'),
    sensor: z.string().optional().describe('Learn from this sensor only; absent: from all of the place'),
    rest: z
      .enum(['other', 'unknown'])
      .default('other')
      .describe(`What the rest of the last ${keptFor} s was: something other than the label, or nobody knows`),
    transaction: transaction.optional(),
  })
  .describe('Teaches the towers a class: what a place just saw');
export type TeachRequest = z.output<typeof teachRequest>;

export const teachResponse = z
  .object({
    transaction: transaction.optional(),
    status: z.enum(['ok', 'error']),
    reason: z.string().optional().describe('Of an error: what is wrong and what to do; the towers before go on'),
    place: z.string().optional(),
    label: z.string().optional(),
    taught: z
      .record(
        z.string(),
        z.object({
          model: z.string().describe('Name of the new tower in the model store'),
          shots: count('Windows of the label that it learned from now'),
          others: count('Windows of something else beside them'),
          classes: count('That the tower knows now'),
        }),
      )
      .optional()
      .describe('Per modality that saw it, the tower that knows it and is in use from the next window on'),
  })
  .describe('Answer to a request');
export type TeachResponse = z.infer<typeof teachResponse>;

export const sensorHealth = z
  .object({
    state: z
      .enum(['connecting', 'live', 'silent', 'unreachable', 'stopped'])
      .describe(
        'connecting: being opened; live: frames arrive; silent: open but no frames; unreachable: cannot be opened, tried again with back-off; stopped: the gateway has closed it',
      ),
    since: time('When this state began'),
    reason: z.string().optional().describe('Why it is not live, and what to do'),
    driver: z.string().describe('Device protocol, for instance witmotion-wt901'),
    transport: z.string().describe('How the bytes come in, for instance serial'),
    place: z.string(),
    virtual: virtual('this sensor'),
    recorded: recorded('this sensor'),
    frames: count('Frames decoded since the gateway started'),
    frameRate: z.number().nonnegative().describe('Frames a second, over the last seconds'),
    bytes: count('Bytes received since the gateway started'),
    skippedBytes: count('Bytes that belonged to no valid packet'),
    failures: z
      .record(z.string(), z.int().nonnegative())
      .describe('How often each kind of failure happened, for instance badChecksum'),
    reconnects: count('How often it was opened again'),
    lastFrame: time('Arrival of the last frame').optional(),
  })
  .describe('Health of one sensor');
export type SensorHealth = z.infer<typeof sensorHealth>;
