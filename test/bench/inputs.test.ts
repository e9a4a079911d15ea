import t from 'tap';
import { makeDecoder } from '../../bench/decode.js';
import {
  dca1000Datagrams,
  dca1000Frame,
  dca1000FrameBytes,
  dca1000FramesIn,
  dca1000Profile,
} from '../../bench/dca1000.js';
import { inputs } from '../../bench/inputs.js';
import { drivers } from '../../drivers/registry.js';
import { tiDca1000 } from '../../drivers/mmwave/ti-dca1000.js';

void t.test('every driver has bytes for the benchmark, which are decoded without a failure', (t) => {
  for (const driver of drivers) {
    const make = inputs[driver.name];
    if (!make) {
      t.fail(`${driver.name} has no entry in bench/inputs.ts`);
      continue;
    }
    let input;
    try {
      input = make();
    } catch (error) {
      t.match(String(error), /reads a capture/, driver.name);
      t.comment(`${driver.name} skipped: no recordings`);
      continue;
    }
    const decoder = makeDecoder(driver, input);
    for (const { bytes, arrivalTime } of input.pieces) decoder.push(bytes, arrivalTime);
    const { frames, bytes, skippedBytes, failures } = decoder.counters;
    t.ok(frames > 0, `${driver.name}: ${frames} frames`);
    t.ok(skippedBytes <= bytes / 100, `${driver.name}: ${skippedBytes} of ${bytes} bytes skipped`);
    if (input.source === 'encoder')
      t.strictSame(
        Object.entries(failures).filter(([, count]) => count > 0),
        [],
        `${driver.name}: no failure`,
      );
  }
  t.end();
});

void t.test('the DCA1000 of the benchmarks sends frames of 262,144 bytes', (t) => {
  t.equal(dca1000FrameBytes, 262_144);
  const decoder = tiDca1000.decoder(tiDca1000.settings.parse({ profile: 'radar.cfg' }), { profile: dca1000Profile });
  const datagrams = [...dca1000Datagrams(dca1000Frame(), 3)];
  const counts = datagrams.map((bytes, k) => {
    decoder.push(bytes, k);
    return decoder.counters.frames;
  });
  t.strictSame(
    counts,
    datagrams.map((_, k) => dca1000FramesIn(k + 1)),
    'a frame comes with the datagram that has its last byte',
  );
  t.end();
});
