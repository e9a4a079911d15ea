import fc from 'fast-check';
import t from 'tap';
import type { WantedSet } from '../../daemon/modality-set.js';
import { answer } from '../../daemon/requests.js';
import type { Teach } from '../../daemon/live-teaching.js';
import type { PlainModelRequest } from '../../daemon/model-requests.js';
import { modalitiesResponse, modelResponse, teachResponse, type ModelResponse } from '../../daemon/topics.js';

function gateway() {
  const asked: WantedSet[] = [];
  const installed: number[] = [];
  const place = {
    set: 'all' as WantedSet,
    recent: [],
    request(set: WantedSet) {
      asked.push(set);
      return String(set) === 'lidar' ? 'room has no lidar' : undefined;
    },
  };
  const handlers = {
    places: new Map([['room', place]]),
    model: (request: PlainModelRequest): Promise<ModelResponse> =>
      request.action === 'list'
        ? Promise.resolve({ status: 'ok', models: [] })
        : Promise.reject(new Error('not there')),
    install(request: Uint8Array): Promise<ModelResponse> {
      installed.push(request.length);
      return Promise.resolve({ status: 'ok' });
    },
    teach: ({ place, label }: { place: string; label: string }): ReturnType<Teach> =>
      label === 'wave' ? Promise.reject(new Error('known')) : Promise.resolve({ place, label, taught: {} }),
  };
  const text = (payload: unknown) => Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload));
  return {
    asked,
    installed,
    ask: (payload: unknown) => answer('modalities', text(payload), handlers),
    askModel: (payload: unknown) => answer('model', text(payload), handlers),
    askTeach: (payload: unknown) => answer('teach', text(payload), handlers),
  };
}

void t.test('a request is answered with its transaction', async (t) => {
  const { ask, asked } = gateway();
  t.strictSame(await ask({ place: 'room', set: ['imu'], transaction: 'a' }), {
    transaction: 'a',
    status: 'ok',
    place: 'room',
    set: 'all',
  });
  t.strictSame(asked, [['imu']]);
  t.match(await ask({ place: 'room', set: ['lidar'], transaction: 'b' }), {
    transaction: 'b',
    status: 'error',
    reason: /no lidar/,
  });
  t.match(await ask({ place: 'rom', set: 'all' }), { status: 'error', reason: /no place 'rom'; did you mean 'room'/ });
  t.match(await ask({ place: 'room', set: [], transaction: 'c' }), {
    transaction: 'c',
    status: 'error',
    reason: /^set: /,
  });
  t.match(await ask({ place: 'room', set: ['smell'] }), { status: 'error', reason: /set/ });
  t.match(await ask({ place: 'room', set: 'all', more: 1 }), { status: 'error', reason: /more/ });
  t.match(await ask('{'), { status: 'error', reason: /no JSON/ });
});

void t.test('models: what is refused is answered with the reason', async (t) => {
  const { askModel } = gateway();
  t.strictSame(await askModel({ action: 'list', transaction: 'a' }), { transaction: 'a', status: 'ok', models: [] });
  t.match(await askModel({ action: 'activate', model: 'x' }), { status: 'error', reason: 'not there' });
  t.match(await askModel({ action: 'activate' }), { status: 'error', reason: /model/ });
  t.match(await askModel({ action: 'destroy', model: 'x' }), { status: 'error', reason: /action/ });
});

void t.test('teaching: what is refused is answered with the reason', async (t) => {
  const { askTeach } = gateway();
  const asked = { place: 'room', label: ' brushing teeth ', seconds: 10 };
  t.strictSame(await askTeach({ ...asked, transaction: 'a' }), {
    transaction: 'a',
    status: 'ok',
    place: 'room',
    label: 'brushing teeth',
    taught: {},
  });
  t.match(await askTeach({ ...asked, label: 'wave' }), { status: 'error', reason: 'known' });
  t.match(await askTeach({ ...asked, label: ' ' }), { status: 'error', reason: /^label: / });
  t.match(await askTeach({ ...asked, seconds: 0 }), { status: 'error', reason: /^seconds: / });
  t.match(await askTeach({ ...asked, ago: 1e9 }), { status: 'error', reason: /^ago: / });
  t.match(await askTeach({ ...asked, place: 'rooom' }), { status: 'error', reason: /did you mean 'room'/ });
});

void t.test('whatever comes is answered with a valid message', async (t) => {
  const { ask, askModel, askTeach } = gateway();
  const text = fc.oneof(
    fc.string(),
    fc.json(),
    fc
      .record({ place: fc.jsonValue(), set: fc.jsonValue(), transaction: fc.jsonValue() })
      .map((one) => JSON.stringify(one)),
    fc
      .record({ place: fc.constant('room'), label: fc.jsonValue(), seconds: fc.jsonValue(), ago: fc.jsonValue() })
      .map((one) => JSON.stringify(one)),
    fc
      .record({
        action: fc.constantFrom('list', 'activate', 'rollback'),
        model: fc.jsonValue(),
        transaction: fc.jsonValue(),
      })
      .map((one) => JSON.stringify(one)),
  );
  await fc.assert(
    fc.asyncProperty(text, async (payload) => {
      modalitiesResponse.parse(await ask(payload));
      modelResponse.parse(await askModel(payload));
      teachResponse.parse(await askTeach(payload));
    }),
  );
  t.pass();
});

void t.test('what brings a model, and what is too long to be read here, goes elsewhere as it came', async (t) => {
  const { ask, askModel, installed } = gateway();
  const files = { manifest: 'AAAA', encoder: 'AAAA', head: 'AAAA' };
  const request = { action: 'install', model: 'imu-a', files };
  t.match(await askModel({ ...request, transaction: 'a' }), { status: 'ok', transaction: 'a' });
  const long = 'x'.repeat(70_000);
  await askModel(long);
  t.strictSame(installed, [JSON.stringify({ ...request, transaction: 'a' }).length, long.length]);
  t.match(await ask(long), { status: 'error', reason: /70000 bytes, more than the 65536 allowed/ });
  for (const model of ['../outside', '/etc', '', '.', 'A', 'a/b', 'a\u0000', 'a'.repeat(65)])
    t.match(await askModel({ ...request, model }), { status: 'error', reason: /model: must be lower-case/ }, model);
  t.equal(installed.length, 2);
});
