import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import t from 'tap';
import { judge } from '../../../drivers/mmwave/command-port.js';
import { tiMmwave } from '../../../drivers/mmwave/ti-mmwave.js';
import { openTransport } from '../../../drivers/transports/registry.js';
import { profileText } from './ti-encoder.js';

const socat = spawnSync('socat', ['-V']).error ? { skip: 'skipped: no socat' } : {};
const quiet = { write: () => Promise.resolve(), close: () => Promise.resolve() };
type Test = Pick<typeof import('tap').default, 'teardown'>;

/** A pseudo-terminal whose other end answers as TI's firmware does (packages/ti/utils/cli/src/cli.c of the mmWave SDK). */
async function fakeRadar(t: Test, answer: (line: string) => string | undefined) {
  const child = spawn('socat', ['-d', '-d', 'pty,raw,echo=0', 'pty,raw,echo=0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  let told = '';
  child.stderr.setEncoding('utf8');
  while (!told.includes('starting data transfer')) told += String((await once(child.stderr, 'data'))[0]);
  child.stderr.resume();
  const [near, far] = [...told.matchAll(/PTY is (\S+)/g)].map((match) => match[1]!);
  const heard: string[] = [];
  let pending = '';
  const device = await openTransport(
    { type: 'serial', path: far!, baudRate: 115200 },
    {
      onBytes(bytes) {
        pending += Buffer.from(bytes).toString('latin1');
        for (let end = pending.indexOf('\n'); end !== -1; end = pending.indexOf('\n')) {
          const line = pending.slice(0, end).trim();
          pending = pending.slice(end + 1);
          heard.push(line);
          const reply = answer(line);
          if (reply !== undefined)
            void device.write(Buffer.from(`${line}\r\n${reply}\nmmwDemo:/>`, 'latin1')).catch(() => undefined);
        }
      },
      onClose: () => undefined,
    },
  );
  t.teardown(() => device.close());
  const settings = tiMmwave.settings.parse({ profile: 'radar.cfg', commandPort: near! });
  return { heard, start: () => tiMmwave.start!(quiet, settings, { profile: profileText }) };
}

void t.test('the profile goes out line by line without its comments, and sensorStop at the end', socat, async (t) => {
  const { heard, start } = await fakeRadar(t, (line) =>
    line === 'sensorStart' ? 'Debug: Init Calibration Status = 0x1ffe\nDone' : 'Done',
  );
  const stop = await start();
  t.strictSame(
    heard,
    profileText.split('\n').filter((line) => line !== '' && !line.startsWith('%')),
  );
  await stop();
  t.equal(heard.at(-1), 'sensorStop');
  await (
    await start()
  )();
  t.equal(heard.filter((line) => line === 'sensorStop').length, 2, 'the port is free again');
});

void t.test('a line that the radar refuses is named, with its answer', socat, async (t) => {
  const answers: [RegExp, string, RegExp][] = [
    [
      /^chirpCfg 1/,
      'Error -1',
      /the radar refused line 8 of the profile, 'chirpCfg 1 1 0 0 0 0 0 4': Error -1\. Is the profile made/,
    ],
    [
      /^adcbufCfg/,
      "'adcbufCfg' is not recognized as a CLI command",
      /line 5 of the profile.*'adcbufCfg' is not recognized/,
    ],
    [
      /^sensorStart/,
      'Error: No CLI commands\nError -1',
      /line 11 of the profile, 'sensorStart': Error -1; Error: No CLI commands/,
    ],
  ];
  for (const [pattern, reply, message] of answers) {
    const { heard, start } = await fakeRadar(t, (line) => (pattern.test(line) ? reply : 'Done'));
    await t.rejects(start(), { message });
    t.match(heard.at(-1), pattern, 'nothing is sent after it');
  }
});

void t.test('a port that does not answer is told, and freed', socat, async (t) => {
  const { start } = await fakeRadar(t, (line) => (line.startsWith('channelCfg') ? undefined : 'Done'));
  const message = /no answer to line 3 of the profile, 'channelCfg 15 7 0' within 5 s\. Is this the command port/;
  await t.rejects(start(), { message });
  await t.rejects(start(), { message }, 'and not: in use by another program');
});

void t.test('without a command port nothing is opened; with one, there must be a profile', async (t) => {
  const parse = (settings: object) => tiMmwave.settings.parse(settings);
  await (
    await tiMmwave.start!(quiet, parse({}))
  )();
  await t.rejects(tiMmwave.start!(quiet, parse({ commandPort: '/dev/x' })), {
    message: /nothing to send\. Give the radar's \.cfg/,
  });
  await t.rejects(tiMmwave.start!(quiet, parse({ commandPort: '/dev/x', profile: 'a.cfg' })), {
    message: /a\.cfg: the file was not read/,
  });
  await t.rejects(
    tiMmwave.start!(quiet, parse({ commandPort: '/dev/no-such-port', profile: 'a.cfg' }), { profile: profileText }),
    { message: /^serial \/dev\/no-such-port: no such port/ },
  );
});

void t.test('answers are judged by whole lines, with or without echo and prompt', (t) => {
  t.equal(judge('', 'x'), undefined);
  t.equal(judge('Done', 'x'), undefined, 'the line has not ended');
  t.equal(judge('Done\n', 'x'), 'done');
  t.equal(judge('mmwDemo:/>Done\r\n', 'x'), 'done');
  t.equal(judge('x\r\nIgnored: Sensor is already stopped\nDone\n\nmmwDemo:/>', 'x'), 'done');
  t.equal(judge('Error: it is not Done yet\n', 'x'), undefined);
  t.equal(judge('x\nError -203621554\n', 'x'), 'Error -203621554');
  t.end();
});
