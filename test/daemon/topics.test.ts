import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import {
  activityMessage,
  activityTopic,
  gatewayName,
  gatewayStatus,
  placeName,
  reservedNames,
  sensorHealth,
  sensorName,
  sensorTopic,
  statusTopic,
  modalitiesRequest,
  modalitiesResponse,
  modelResponse,
  teachRequest,
  teachResponse,
  placeModalities,
} from '../../daemon/topics.js';
import { activity } from './helpers/activity.js';

void t.test('topics', (t) => {
  t.equal(statusTopic('home'), 'babel/home/status');
  t.equal(activityTopic('home', 'living room'), 'babel/home/living room/activity');
  t.equal(sensorTopic('home', 'wrist'), 'babel/home/sensor/wrist');
  t.end();
});

void t.test('names are legal topic levels', (t) => {
  for (const name of ['', 'a/b', '+', 'a#', '#', 'a\u0000b', 'a\nb', '\ud800', ' a', 'a ', ' ', 'x'.repeat(65)])
    for (const schema of [gatewayName, placeName, sensorName])
      t.equal(schema.safeParse(name).success, false, JSON.stringify(name));
  for (const name of ['home', 'living-room', 'Küche 2', '客厅', 'a.b_c$', 'x'.repeat(64)])
    for (const schema of [gatewayName, placeName, sensorName])
      t.equal(schema.safeParse(name).success, true, JSON.stringify(name));
  t.match(placeName.safeParse('a/b').error?.issues[0]?.message, /must not contain/);
  t.end();
});

void t.test('whatever name is accepted, the topics have their levels and no wildcard', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 70 }), (name) => {
      if (!placeName.safeParse(name).success) return;
      const levels = activityTopic('home', name).split('/');
      if (levels.length !== 4 || levels.some((level) => level === '' || /[+#\0]/.test(level))) throw new Error(name);
    }),
    { numRuns: 2000 },
  );
  t.end();
});

void t.test('a place takes no topic of the gateway itself', (t) => {
  for (const name of reservedNames) {
    t.match(placeName.safeParse(name).error?.issues[0]?.message, /the gateway uses these topics itself/);
    t.equal(sensorName.safeParse(name).success, true);
  }
  t.end();
});

void t.test('an activity message must have sane numbers and times in UTC', (t) => {
  const good = { ...activity('sit'), sequence: 1, change: true };
  t.equal(activityMessage.safeParse(good).success, true);
  for (const bad of [
    { confidence: Number.NaN },
    { confidence: 1.5 },
    { since: 'yesterday' },
    { since: '2025-01-01T00:00:00+01:00' },
    { sequence: -1 },
    { sequence: 1.5 },
    { modalities: ['smell'] },
    { probabilities: { sit: 2 } },
  ])
    t.equal(activityMessage.safeParse({ ...good, ...bad }).success, false, JSON.stringify(bad));
  t.end();
});

void t.test('docs/mqtt.md names every field, and its examples are valid and complete', (t) => {
  const page = readFileSync(new URL('../../../docs/mqtt.md', import.meta.url), 'utf8');
  const schemas = {
    status: gatewayStatus,
    activity: activityMessage,
    modalities: placeModalities,
    'modalities-request': modalitiesRequest,
    'modalities-response': modalitiesResponse,
    'model-response': modelResponse,
    'teach-request': teachRequest,
    'teach-response': teachResponse,
    sensor: sensorHealth,
  };
  for (const [name, schema] of Object.entries(schemas)) {
    const example = new RegExp(`\`\`\`json ${name}\n(.*?)\`\`\``, 's').exec(page)?.[1];
    const parsed = schema.strict().parse(JSON.parse(example ?? 'null'));
    // An answer that is no refusal has no reason.
    const succeeds = 'status' in parsed && parsed.status === 'ok';
    const complete = Object.keys(schema.shape).filter((field) => !succeeds || field !== 'reason');
    t.same(Object.keys(parsed).sort(), complete.sort(), `example of ${name}`);
    const section = page.split('\n## ').find((text) => text.includes(`\`\`\`json ${name}\n`)) ?? '';
    for (const field of Object.keys(schema.shape)) t.ok(section.includes(`| \`${field}\``), `${name}.${field}`);
    const { state: states } = schema.shape as Partial<typeof sensorHealth.shape>;
    for (const state of states?.options ?? []) t.ok(section.includes(`\`${state}\``), `${name}.state ${state}`);
  }
  t.end();
});
