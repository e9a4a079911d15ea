import fc from 'fast-check';
import t from 'tap';
import type { WantedSet } from '../../daemon/modality-set.js';
import { answer } from '../../daemon/requests.js';
import { modalitiesResponse } from '../../daemon/topics.js';

function gateway() {
  const asked: WantedSet[] = [];
  const place = {
    set: 'all' as WantedSet,
    request(set: WantedSet) {
      asked.push(set);
      return String(set) === 'lidar' ? 'room has no lidar' : undefined;
    },
  };
  return {
    asked,
    ask: (payload: unknown) =>
      answer('modalities', typeof payload === 'string' ? payload : JSON.stringify(payload), new Map([['room', place]])),
  };
}

void t.test('a request is answered with its transaction', (t) => {
  const { ask, asked } = gateway();
  t.strictSame(ask({ place: 'room', set: ['imu'], transaction: 'a' }), {
    transaction: 'a',
    status: 'ok',
    place: 'room',
    set: 'all',
  });
  t.strictSame(asked, [['imu']]);
  t.match(ask({ place: 'room', set: ['lidar'], transaction: 'b' }), {
    transaction: 'b',
    status: 'error',
    reason: /no lidar/,
  });
  t.match(ask({ place: 'rom', set: 'all' }), { status: 'error', reason: /no place 'rom'; did you mean 'room'/ });
  t.match(ask({ place: 'room', set: [], transaction: 'c' }), { transaction: 'c', status: 'error', reason: /^set: / });
  t.match(ask({ place: 'room', set: ['smell'] }), { status: 'error', reason: /set/ });
  t.match(ask({ place: 'room', set: 'all', more: 1 }), { status: 'error', reason: /more/ });
  t.match(ask('{'), { status: 'error', reason: /no JSON/ });
  t.end();
});

void t.test('whatever comes is answered with a valid message', (t) => {
  const { ask } = gateway();
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (payload) => void modalitiesResponse.parse(ask(payload))));
  fc.assert(
    fc.property(fc.record({ place: fc.anything(), set: fc.anything(), transaction: fc.anything() }), (payload) => {
      const text = JSON.stringify(payload, (_key, value: unknown) =>
        typeof value === 'bigint' ? String(value) : value,
      );
      modalitiesResponse.parse(ask(text));
    }),
  );
  t.end();
});
