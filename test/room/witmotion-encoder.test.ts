import t from 'tap';
import { encodeWitmotion } from '../../room/witmotion-encoder.js';

const g = 9.80665;
const degree = Math.PI / 180;
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

void t.test("the bytes are those that the maker's document gives, computed by hand", (t) => {
  const bytes = encodeWitmotion({
    acceleration: [0, 0, g], // 32768 / 16 = 2048 = 0800
    angularRate: [250 * degree, -250 * degree, 0], // 32768 · 250 / 2000 = ±4096 = 1000, F000
    time: Date.parse('2024-02-29T23:59:59.999Z') / 1000,
  });
  t.equal(
    hex(bytes),
    '5550' +
      '18021d173b3b' +
      'e703' +
      '53' +
      '5551' +
      '000000000008' +
      'c409' +
      '7b' +
      '5552' +
      '001000f00000' +
      'c409' +
      '74',
  );
  t.end();
});

void t.test('no time, no clock packet', (t) => {
  const bytes = encodeWitmotion({ acceleration: [0, 0, g], angularRate: [0, 0, 0] });
  t.equal(bytes.length, 22);
  t.equal(hex(bytes.subarray(0, 2)), '5551');
  t.end();
});

void t.test('other ranges, and saturation at both ends', (t) => {
  const bytes = encodeWitmotion(
    { acceleration: [g, 100 * g, -100 * g], angularRate: [250 * degree, 0, -9 * degree] },
    { accelerationRange: 2, angularRateRange: 250 },
  );
  const view = new DataView(bytes.buffer);
  const numbers = (at: number) => [0, 2, 4].map((i) => view.getInt16(at + i, true));
  t.strictSame(numbers(2), [16384, 32767, -32768]);
  t.strictSame(numbers(13), [32767, 0, -1180]); // 9 / 250 · 32768 = 1179.6
  t.end();
});

void t.test('a value that is no number is sent as 0', (t) => {
  const bytes = encodeWitmotion({ acceleration: [NaN, 0, 0], angularRate: [0, 0, 0] });
  t.equal(new DataView(bytes.buffer).getInt16(2, true), 0);
  t.end();
});
