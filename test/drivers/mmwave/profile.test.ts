import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { dopplerBins, levelScale } from '../../../drivers/mmwave/levels.js';
import { parseProfile } from '../../../drivers/mmwave/profile.js';
import { profileText } from './ti-encoder.js';

const folder = process.env['SENSING_DATA'] && join(process.env['SENSING_DATA'], 'captures/ti');
const recordings = folder && existsSync(folder) ? {} : { skip: 'skipped: no recordings' };
const near = (value: number, expected: number, tolerance: number) => Math.abs(value - expected) <= tolerance;

// The visualizer writes its own figures into the file's head; TI SWRA553, sections 2 and 3, has the formulas:
// d_res = c / 2B, v_max = λ / 4T, v_res = λ / 2NT.
void t.test("TI's own profiles give the figures that TI's visualizer wrote into them", recordings, (t) => {
  // What the chirpCfg, frameCfg and profileCfg lines of each file say.
  const files = [
    { name: '1843RangeDoppler.cfg', masks: [1, 4, 2], samples: 96, bins: 128 },
    { name: 'AWR1843config.cfg', masks: [1, 4], samples: 256, bins: 256 },
  ];
  for (const { name, masks, samples, bins } of files) {
    const text = readFileSync(join(folder!, name), 'utf8');
    const lines = text.split(/\r?\n/);
    const said = (key: string) => Number(new RegExp(`^% ${key}.*:([\\d.]+)`, 'm').exec(text)![1]);
    const profile = parseProfile(text);
    const frame = profile.subframes[0]!;
    t.ok(near(frame.rangeResolution, said('Range Resolution'), 0.0005), `${name}: range resolution`);
    t.ok(near(frame.maximumVelocity, said('Maximum Radial Velocity'), 0.05), `${name}: maximum velocity`);
    // The visualizer takes the start frequency for the centre, 77 of 79 GHz, and rounds to two digits.
    t.ok(near((frame.velocityResolution * frame.centreFrequency) / 77e9, said('Radial velocity resolution'), 0.0052));
    // 80 % of the sampling rate is left to the intermediate frequency: 0.8 · rate · c / 2S.
    t.ok(near(0.8 * frame.rangeStep * frame.rangeBins, said('Maximum unambiguous Range'), 0.12));
    t.equal(profile.platform, 'xWR18xx');
    t.equal(profile.receivers, 4);
    t.equal(frame.transmitters, masks.length);
    t.strictSame(frame.chirpTransmitters, masks);
    t.strictSame([frame.chirpLoops, frame.samples, frame.rangeBins], [16, samples, bins]);
    t.strictSame([profile.complex, profile.imaginaryFirst, profile.receiversApart], [true, true, true]);
    const { line, ...stream } = profile.lvdsStream!;
    t.strictSame(stream, { header: false, data: 0, software: false });
    t.match(lines[line - 1], /^lvdsStreamCfg/);
    t.equal(profile.commands[0]!.text, 'sensorStop');
    t.equal(profile.commands.at(-1)!.text, 'sensorStart');
    t.ok(profile.commands.every((command) => lines[command.line - 1]!.trim() === command.text));
  }
  t.end();
});

void t.test('a profile computed by hand', (t) => {
  const { subframes } = parseProfile(profileText);
  const frame = subframes[0]!;
  // 70 MHz/µs is 1449 whole steps of 3.6 GHz · 900 / 2²⁶ a µs = 48.27976 kHz/µs: 69.95738 MHz/µs.
  const slope = 1449 * 48.27976226806641e9;
  t.ok(near(frame.bandwidth, (slope * 256) / 5209e3, 1e3));
  t.ok(near(frame.rangeResolution, 299792458 / (2 * frame.bandwidth), 1e-9));
  t.ok(near(frame.loopTime, 3 * (267 + 57.14) * 1e-6, 1e-12));
  t.ok(near(frame.centreFrequency, 77e9 + slope * 7e-6 + frame.bandwidth / 2, 1e3));
  t.ok(near(frame.maximumVelocity, 299792458 / frame.centreFrequency / 4 / frame.loopTime, 1e-9));
  t.ok(near(frame.rangeStep, frame.rangeResolution, 1e-12), '256 samples are 256 bins');
  t.end();
});

void t.test('advanced frames give one set of figures a subframe', (t) => {
  const text = profileText
    .replace('dfeDataOutputMode 1', 'dfeDataOutputMode 3')
    .replace(
      /^frameCfg.*$/m,
      'advFrameCfg 2 0 0 1 0\nsubFrameCfg 0 0 0 1 64 50 0 1 1 50\nsubFrameCfg 1 0 1 2 32 50 0 1 1 50',
    );
  const [first, second] = parseProfile(text).subframes;
  t.strictSame([first!.chirpLoops, first!.chirpTransmitters], [64, [1]]);
  t.strictSame([second!.chirpLoops, second!.chirpTransmitters], [32, [4, 2]]);
  t.equal(second!.loopTime, 2 * first!.loopTime);
  t.end();
});

void t.test('what is wrong is told with its line and what to do', (t) => {
  const broken = (pattern: RegExp | string, replacement: string, expected: RegExp) =>
    t.throws(() => parseProfile(profileText.replace(pattern, replacement)), { message: expected });
  broken(
    '5209 0 0 30',
    '5209 0 0',
    /^profile, line 6: profileCfg has 13 numbers instead of 14\. Write the profile anew/,
  );
  broken('77 267', '77 abc', /line 6: profileCfg has 'abc' where a number belongs/);
  broken('channelCfg 15', 'channelCfg 0', /line 3: channelCfg enables no receiver/);
  broken('chirpCfg 1 1 0', 'chirpCfg 1 1 5', /line 10: chirp 1 uses profile 5, which has no line profileCfg/);
  broken('chirpCfg 2 2', 'chirpCfg 9 9', /line 10: chirp 2 has no line chirpCfg/);
  broken('70 1 256', '0 1 256', /line 6: start frequency, slope/);
  broken('256 5209', '99999 5209', /line 6: 99999 samples a chirp are not within/);
  broken('frameCfg 0 2 16', 'frameCfg 0 2 0', /line 10: the chirps of the frame are not within/);
  broken(/^frameCfg.*$/m, '', /^profile: no line frameCfg\. Is this a \.cfg file/);
  broken('dfeDataOutputMode 1', 'dfeDataOutputMode 3', /no line advFrameCfg/);
  t.throws(() => parseProfile(''), { message: /no line channelCfg/ });
  t.throws(() => parseProfile('chirpComnCfg 8 0 0 256'), { message: /no line channelCfg/ });
  t.end();
});

void t.test('levels: the example of TI E2E thread 757413, IWR1642 with SDK 2.0, is 125.44 dB', (t) => {
  const scale = levelScale({
    chip: 0xa1642,
    version: 0x0200,
    antennaOnPackage: false,
    transmitters: 2,
    receivers: 4,
    rangeBins: 256,
    chirpLoops: 16,
  });
  t.ok(near(44719 * scale!.step + scale!.offset, 125.44, 0.01));
  t.end();
});

void t.test("levels and Doppler bins of other chips, computed by hand from the visualizer's formulas", (t) => {
  const base = { antennaOnPackage: false, transmitters: 3, receivers: 4, rangeBins: 256, chirpLoops: 16 };
  const scale = (chip: number, version: number, more = {}) => levelScale({ ...base, chip, version, ...more })!;
  // 12 antennas: 16/12 / 256 · 6.0206 dB, and 32 of 256 bins: −18.0618 dB.
  t.ok(near(scale(0xa1843, 0x0305).step, 0.0313573, 1e-6));
  t.ok(near(scale(0xa1843, 0x0305).offset, -18.0618, 1e-4));
  t.ok(near(scale(0xa1843, 0x0301).step, 0.0156786, 1e-6), 'SDK 3.1 sends 1/512');
  t.ok(
    near(scale(0xa6843, 0x0305, { chirpLoops: 64 }).offset, -18.0618 - 12.0412, 1e-4),
    'its Doppler FFT is on the DSP',
  );
  t.ok(near(scale(0xa6843, 0x0305, { chirpLoops: 64, antennaOnPackage: true }).offset, -18.0618, 1e-4));
  t.ok(near(scale(0xa1443, 0x0201).step, ((4 / 3) * 6.0206) / 512, 1e-6));
  t.equal(levelScale({ ...base, chip: 0xa2944, version: 0x0400 }), undefined, 'nothing is made up for other chips');
  const bins = (chip: number, version: number, chirpLoops: number) =>
    dopplerBins({ ...base, chip, version, chirpLoops });
  t.strictSame(
    [bins(0xa1843, 0x0305, 3), bins(0xa6843, 0x0305, 3), bins(0xa1642, 0x0303, 5), bins(0xa1843, 0x0305, 33)],
    [8, 16, 16, 64],
  );
  t.end();
});
