/** What every driver's decoder must hold to, whatever the device. `FUZZ_RUNS` sets the number of cases (`npm run fuzz`). */
import { deepStrictEqual } from 'node:assert/strict';
import fc from 'fast-check';
import type { Decoder } from '../../drivers/driver.js';
import type { Frame } from '../../drivers/frames.js';

export const runs = Number(process.env['FUZZ_RUNS'] ?? 200);
const parameters = { numRuns: runs, interruptAfterTimeLimit: runs > 1000 ? 600_000 : 30_000 };

/** How the bytes reach the decoder: cut anywhere, or one whole datagram or message a call. */
type Cut = 'stream' | 'datagrams';

/** Without its time of arrival, which depends on the cutting. */
function content({ arrivalTime: _, ...rest }: Frame): unknown {
  return rest;
}

function decodeAll(make: () => Decoder, pieces: Iterable<Uint8Array>) {
  const decoder = make();
  const frames: unknown[] = [];
  let time = 0;
  // A copy that is overwritten afterwards: a decoder must keep nothing of what it was given.
  for (const piece of pieces) {
    const copy = piece.slice();
    frames.push(
      ...decoder
        .push(copy, (time += 0.001))
        .map(content)
        .map((frame) => structuredClone(frame)),
    );
    copy.fill(0xa5);
  }
  return { frames, counters: decoder.counters };
}

function* chopped(bytes: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, i = 0; at < bytes.length; at += sizes[i++ % sizes.length]!)
    yield bytes.subarray(at, at + sizes[i % sizes.length]!);
}

/** Sizes of pieces from 1 byte to 64 KiB, small ones as likely as large ones. */
const sizes = fc.array(
  fc.integer({ min: 0, max: 16 }).chain((power) => fc.integer({ min: 1, max: 2 ** power })),
  { minLength: 1, maxLength: 20 },
);

/** A stream cut into random pieces gives the frames of the uncut one. */
export function choppingChangesNothing(make: () => Decoder, stream: Uint8Array): void {
  const { frames, counters } = decodeAll(make, [stream]);
  deepStrictEqual(counters.frames, frames.length);
  deepStrictEqual(counters.bytes, stream.length);
  fc.assert(
    fc.property(sizes, (lengths) => {
      const result = decodeAll(make, chopped(stream, lengths));
      deepStrictEqual(result.frames, frames);
      deepStrictEqual(result.counters, counters);
    }),
    parameters,
  );
}

/**
 * 1 % of the bytes overwritten at random: never throws, and every frame comes out whole whose packets were not hit and that does
 * not follow on one that was.
 * @param units bytes of one frame each, as they follow one another; each a list of datagrams, or one stretch of a stream
 */
export function damageStaysLocal(make: () => Decoder, units: readonly (readonly Uint8Array[])[], cut: Cut): void {
  const whole = decodeAll(make, units.flat()).frames;
  if (whole.length !== units.length)
    throw new Error(`${units.length} units gave ${whole.length} frames: the test needs one each`);
  const total = units.flat().reduce((sum, { length }) => sum + length, 0);
  const damage = fc.array(fc.tuple(fc.nat(total - 1), fc.nat(255)), {
    minLength: Math.ceil(total / 100),
    maxLength: Math.ceil(total / 100),
  });
  const scattered = fc.array(fc.tuple(fc.nat(total - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.oneof(damage, scattered), sizes, (changes, lengths) => {
      const copies = units.map((unit) => unit.map((bytes) => bytes.slice()));
      const hit = copies.map(() => false);
      let end = 0;
      const places = copies.flatMap((unit, i) => unit.map((bytes) => ({ bytes, unit: i, end: (end += bytes.length) })));
      for (const [at, value] of changes) {
        const place = places.find((one) => at < one.end)!;
        place.bytes[at - (place.end - place.bytes.length)] = value;
        hit[place.unit] = true;
      }
      const all = copies.flat();
      const { frames } = decodeAll(
        make,
        cut === 'datagrams' ? all : chopped(Uint8Array.from(Buffer.concat(all)), lengths),
      );
      let from = 0;
      whole.forEach((frame, i) => {
        if (hit[i] || hit[i - 1] || hit[i + 1]) return;
        const found = frames.findIndex((one, k) => k >= from && same(one, frame));
        if (found === -1) throw new Error(`frame ${i} was not hit, nor its neighbours, and is lost`);
        from = found + 1;
      });
    }),
    parameters,
  );
}

function same(a: unknown, b: unknown): boolean {
  try {
    deepStrictEqual(a, b);
    return true;
  } catch {
    return false;
  }
}

/** Random bytes, some with the device's own beginnings among them: no error, and every byte is accounted for. */
export function randomBytesDoNoHarm(make: () => Decoder, beginnings: readonly Uint8Array[] = []): void {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 600 }),
    ...(beginnings.length > 0
      ? [
          fc
            .tuple(fc.constantFrom(...beginnings), fc.nat(2000), fc.uint8Array({ maxLength: 100 }))
            .map(([bytes, length, tail]) => Uint8Array.from([...bytes.subarray(0, length), ...tail])),
        ]
      : []),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const { counters } = decodeAll(make, pieces);
      const total = pieces.reduce((sum, { length }) => sum + length, 0);
      deepStrictEqual(counters.bytes, total);
      if (counters.skippedBytes > total) throw new Error(`${counters.skippedBytes} bytes skipped of ${total}`);
    }),
    parameters,
  );
}
