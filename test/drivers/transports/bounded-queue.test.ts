import { deepStrictEqual } from 'node:assert';
import fc from 'fast-check';
import t from 'tap';
import { boundedQueue } from '../../../drivers/transports/bounded-queue.js';
import { deliverTo } from '../../../drivers/transports/delivery.js';
import { monotonicSeconds } from '../../../drivers/transports/transport.js';

void t.test('it behaves as a list whose oldest items are dropped until the limits hold', (t) => {
  const step = fc.oneof(fc.record({ push: fc.nat(40) }), fc.constant({ shift: true as const }));
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.nat(200),
      fc.array(step, { maxLength: 300 }),
      (items, bytes, steps) => {
        const queue = boundedQueue<number>({ items, bytes });
        const model: { id: number; size: number }[] = [];
        const lost = { items: 0, bytes: 0 };
        const total = () => model.reduce((sum, { size }) => sum + size, 0);
        steps.forEach((one, id) => {
          if ('shift' in one) deepStrictEqual(queue.shift(), model.shift()?.id);
          else {
            queue.push(id, one.push);
            model.push({ id, size: one.push });
            // A single item that is too large empties nothing but itself.
            const dropped = one.push > bytes ? [model.pop()!] : [];
            while (model.length > items || total() > bytes) dropped.push(model.shift()!);
            for (const { size } of dropped) {
              lost.items++;
              lost.bytes += size;
            }
          }
          deepStrictEqual([queue.length, queue.bytes, queue.lost], [model.length, total(), lost]);
        });
      },
    ),
  );
  t.end();
});

const tick = () => new Promise((resolve) => setImmediate(resolve));

void t.test('a slow consumer loses the oldest whole messages, counted, and gets the newest', async (t) => {
  const got: number[] = [];
  let closed = '';
  const delivery = deliverTo(
    {
      onBytes: (bytes) => {
        got.push(bytes[0]!);
        // Slower than any turn may be, so that one message is delivered a turn.
        for (const until = monotonicSeconds() + 0.006; monotonicSeconds() < until;);
      },
      onClose: (reason) => (closed = reason),
    },
    { items: 4, bytes: 1000 },
  );
  // Ten messages come in before each turn of the consumer.
  for (let i = 0; i < 40; i++) {
    delivery.onBytes(Uint8Array.of(i), i);
    if (i % 10 === 9) await tick();
  }
  delivery.onClose('the end');
  while (closed === '') await tick();
  t.strictSame(got, [6, 16, 26, 36, 37, 38, 39]);
  t.equal(delivery.failures.lostMessages, 33);
  t.equal(closed, 'the end', 'told after what still waited');
});

void t.test('a fast consumer gets everything, in order; stop ends it at once, also from within', async (t) => {
  const got: number[] = [];
  const delivery = deliverTo({
    onBytes: (_, time) => {
      got.push(time);
      if (time === 999) delivery.stop();
    },
    onClose: () => t.fail('stopped'),
  });
  for (let i = 0; i < 1500; i++) delivery.onBytes(new Uint8Array(1), i);
  t.strictSame(got, [], 'nothing is delivered from within the source');
  await tick();
  await tick();
  delivery.onBytes(new Uint8Array(1), 0);
  delivery.onClose('too late');
  await tick();
  t.strictSame(
    got,
    Array.from({ length: 1000 }, (_, i) => i),
  );
  t.equal(delivery.failures.lostMessages, 0);
});
