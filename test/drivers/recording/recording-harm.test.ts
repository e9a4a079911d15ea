/** What becomes of a recording when something goes wrong: the process killed, the disk slow or full, the file cut or damaged. */
import { deepStrictEqual } from 'node:assert';
import { spawn, spawnSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import t from 'tap';
import { summariseRecording } from '../../../drivers/recording/reader.js';
import { createRecorder } from '../../../drivers/recording/recorder.js';
import { openTransport, transportSettings } from '../../../drivers/transports/registry.js';
import { monotonicSeconds } from '../../../drivers/transports/transport.js';
import { listen } from '../transports/listener.js';
import { fail, lidar, readAll, scratch, wrist } from './helpers.js';

void t.test('a process that is killed leaves a file that can be read up to its last chunk', async (t) => {
  const file = join(await scratch(t), 'killed.mcap');
  const child = spawn(process.execPath, [fileURLToPath(new URL('./recording-child.js', import.meta.url)), file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  // Every number with the time at which it was said.
  const said: [number, number][] = [];
  for await (const line of createInterface(child.stdout)) {
    said.push([monotonicSeconds(), Number(line)]);
    if (said.length === 300) child.kill('SIGKILL');
  }
  const { messages, end } = await readAll(file);
  t.strictSame(end, { complete: false, problem: 'its writing was cut off', foreignMessages: 0 });
  t.ok(
    messages.every(({ bytes, sequence }, i) => Buffer.from(bytes).readUInt32LE() === i && sequence === i + 1),
    'nothing is missing in between',
  );
  // What was written a second before the end is on the disk, although the chunk's time is a tenth of it.
  const [lastTime] = said.at(-1)!;
  const [, early] = said.findLast(([time]) => time < lastTime - 1) ?? [0, 0];
  t.ok(early > 0 && messages.length >= early, `${messages.length} messages, ${early} of them a second before the end`);

  // Played, it tells so.
  const heard = listen();
  await openTransport(transportSettings.parse({ type: 'recording', file, speed: 'fastest' }), heard.handlers);
  await heard.until(() => heard.reasons.length > 0);
  t.equal(heard.pieces.length, messages.length);
  t.match(heard.reasons[0], /was played to its end; its writing was cut off/);
});

void t.test('a file cut anywhere gives a beginning of its messages; a damaged one throws nothing', async (t) => {
  const folder = await scratch(t);
  const file = join(folder, 'whole.mcap');
  const recorder = await createRecorder({ file, onError: fail });
  for (let i = 0; i < 1000; i++) recorder.write(wrist, new Uint8Array(900).fill(i), i / 100);
  await recorder.close();
  const whole = (await readAll(file)).messages.map(({ bytes, arrivalTime }) => ({ first: bytes[0], arrivalTime }));
  t.equal(whole.length, 1000);
  const bytes = await readFile(file);
  const copy = join(folder, 'copy.mcap');
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 100, max: bytes.length - 1 }), async (length) => {
      await copyFile(file, copy);
      await truncate(copy, length);
      const { messages, end } = await readAll(copy);
      deepStrictEqual(
        messages.map(({ bytes, arrivalTime }) => ({ first: bytes[0], arrivalTime })),
        whole.slice(0, messages.length),
      );
      deepStrictEqual(end.complete, false);
    }),
    { numRuns: 40 },
  );
  const change = fc.array(fc.tuple(fc.integer({ min: 50, max: bytes.length - 1 }), fc.nat(255)), {
    minLength: 1,
    maxLength: 20,
  });
  await fc.assert(
    fc.asyncProperty(change, async (changes) => {
      const damaged = Buffer.from(bytes);
      for (const [at, value] of changes) damaged[at] = value;
      await writeFile(copy, damaged);
      const { messages } = await readAll(copy);
      // The checksum of every chunk is verified before anything of it is given out.
      deepStrictEqual(
        messages.map(({ bytes, arrivalTime }) => ({ first: bytes[0], arrivalTime })),
        whole.slice(0, messages.length),
      );
    }),
    { numRuns: 40 },
  );
});

void t.test('a slow disk loses the oldest messages, whole and counted, and write never waits', async (t) => {
  const folder = await scratch(t);
  const recorder = await createRecorder({ file: join(folder, 'slow.mcap'), onError: fail });
  const block = new Uint8Array(1024 * 1024);
  // Nothing is written meanwhile: this does not give way. 64 MiB may wait.
  for (let i = 0; i < 100; i++) recorder.write(wrist, block.fill(i), i);
  await recorder.close();
  const { messages } = await readAll(recorder.file);
  t.equal(messages.at(-1)!.bytes[0], 99, 'the newest is there');
  t.equal(recorder.counters.messages, messages.length);
  t.equal(recorder.counters.messages + recorder.counters.lostMessages, 100);
  t.ok(
    recorder.counters.lostMessages >= 35 && recorder.counters.lostMessages <= 40,
    `${recorder.counters.lostMessages} lost`,
  );
  const { sensors } = await summariseRecording(recorder.file);
  const before = messages[0]!.sequence - 1;
  t.equal(sensors[0]!.lostMessages + before, recorder.counters.lostMessages, 'their numbers show where');
});

const disk = await mkdtemp(join(tmpdir(), 'full-disk-'));
const canMount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]).status === 0;
t.teardown(async () => {
  if (canMount) spawnSync('umount', [disk]);
  await rm(disk, { recursive: true });
});

void t.test(
  'a full disk makes one error, and what was recorded can be read',
  canMount ? {} : { skip: 'skipped: no right to mount a small disk' },
  async (t) => {
    await mkdir(join(disk, 'recordings'));
    const problems: string[] = [];
    const recorder = await createRecorder({
      directory: join(disk, 'recordings'),
      flushPeriod: 0.02,
      onError: (problem) => problems.push(problem),
    });
    for (let i = 0; problems.length === 0; i++) {
      recorder.write(wrist, new Uint8Array(10_000).fill(i), i);
      await new Promise((done) => setTimeout(done, 1));
    }
    for (let i = 0; i < 50; i++) recorder.write(wrist, new Uint8Array(10_000), 10_000);
    await new Promise((done) => setTimeout(done, 100));
    await recorder.close();
    t.strictSame(problems, [
      `recording ${recorder.file}: the disk is full: recording has ended. What is recorded so far can be read; make room and record anew`,
    ]);
    t.ok(recorder.counters.lostMessages >= 50);
    const { messages, end } = await readAll(recorder.file);
    t.equal(end.complete, false);
    t.ok(messages.length > 50, `${messages.length} messages of 10 kB on a disk of 1 MB`);
    t.ok(messages.every(({ bytes }, i) => bytes[0] === (i & 255)));
    await t.rejects(createRecorder({ directory: join(disk, 'recordings'), onError: fail }), {
      message: /the disk is full/,
    });
  },
);

void t.test('twice what a LiDAR of 128 lines sends is recorded without loss', async (t) => {
  const file = join(await scratch(t), 'fast.mcap');
  const recorder = await createRecorder({ file, onError: fail });
  const packet = new Uint8Array(8448);
  // An OS-1-128 sends 1280 datagrams a second at 20 turns a second: 26 are those of 10 ms, twice.
  for (let i = 0; i < 2600; i += 26) {
    for (let k = 0; k < 26; k++) recorder.write(lidar, packet, i + k);
    await new Promise((done) => setTimeout(done, 10));
  }
  await recorder.close();
  t.equal(recorder.counters.lostMessages, 0);
  t.equal(recorder.counters.messages, 2600);
  t.ok((await stat(file)).size > 2600 * packet.length);
});
