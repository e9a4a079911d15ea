import { deepStrictEqual } from 'node:assert';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { McapIndexedReader } from '@mcap/core';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import 'protobufjs/ext/descriptor.js';
import t from 'tap';
import type { ImuFrame } from '../../../drivers/frames.js';
import { witmotion } from '../../../drivers/imu/witmotion.js';
import {
  decodeDeviceBytes,
  deviceBytesName,
  deviceBytesSchema,
  encodeDeviceBytes,
} from '../../../drivers/recording/device-bytes.js';
import { summariseRecording } from '../../../drivers/recording/reader.js';
import { createRecorder, describeRecordingError } from '../../../drivers/recording/recorder.js';
import { openTransport, transportSettings } from '../../../drivers/transports/registry.js';
import { monotonicSeconds } from '../../../drivers/transports/transport.js';
import { encodeWitmotion } from '../../../room/witmotion-encoder.js';
import { listen } from '../transports/listener.js';
import { fail, lidar, readAll, scratch, wrist } from './helpers.js';

/** 500 samples as the device sends them, in uneven pieces with uneven times, as a serial port brings them. */
function wristStream(): { bytes: Uint8Array; arrivalTime: number }[] {
  const stream = Buffer.concat(
    Array.from({ length: 500 }, (_, k) =>
      encodeWitmotion({ acceleration: [0, k / 100, 9.80665], angularRate: [k / 50, 0, 0], time: 1.7e9 + k / 50 }),
    ),
  );
  const pieces: { bytes: Uint8Array; arrivalTime: number }[] = [];
  let at = 0;
  for (let i = 0; at < stream.length; i++) {
    const length = 1 + ((i * 37) % 61);
    pieces.push({ bytes: stream.subarray(at, at + length), arrivalTime: 123.4 + Math.sqrt(i) / 7 });
    at += length;
  }
  return pieces;
}

function decode(pieces: Iterable<{ bytes: Uint8Array; arrivalTime: number }>): ImuFrame[] {
  const decoder = witmotion.decoder(witmotion.settings.parse({}));
  return [...pieces].flatMap(({ bytes, arrivalTime }) => decoder.push(bytes, arrivalTime));
}

void t.test('what is recorded comes out again: the same frames at the same times', async (t) => {
  const file = join(await scratch(t), 'sub', 'walk.mcap');
  const recorder = await createRecorder({ file, onError: fail });
  t.equal(recorder.file, file);
  const before = Date.now() / 1000;
  const pieces = wristStream();
  const reused = new Uint8Array(100);
  for (const { bytes, arrivalTime } of pieces) {
    // The transport's buffer, which is used again at once. A Buffer's `slice` would be no copy.
    const view = Buffer.from(reused.buffer, 0, bytes.length);
    view.set(bytes);
    recorder.write(wrist, view, arrivalTime);
    view.fill(0xa5);
    if (arrivalTime > 125) recorder.write(lidar, Buffer.alloc(100_000, 1), arrivalTime);
  }
  await Promise.all([recorder.close(), recorder.close()]);
  recorder.write(wrist, Uint8Array.of(1), 200);
  const lidarCount = pieces.filter(({ arrivalTime }) => arrivalTime > 125).length;
  t.strictSame(
    { ...recorder.counters },
    {
      messages: pieces.length + lidarCount,
      bytes: 500 * 33 + lidarCount * 100_000,
      files: 1,
      lostMessages: 1,
    },
  );

  const { messages, end } = await readAll(file);
  t.strictSame(end, { complete: true, foreignMessages: 0 });
  const fromWrist = messages.filter(({ sensor }) => sensor.sensor === 'wrist');
  t.strictSame(fromWrist[0]!.sensor, wrist);
  t.strictSame(
    fromWrist.map(({ bytes, arrivalTime }) => [Buffer.from(bytes).toString('hex'), arrivalTime]),
    pieces.map(({ bytes, arrivalTime }) => [Buffer.from(bytes).toString('hex'), arrivalTime]),
  );
  const expected = decode(pieces);
  t.equal(expected.length, 500);
  t.strictSame(decode(fromWrist), expected);
  t.ok(
    messages.every(({ arrivalTime }, i) => i === 0 || arrivalTime >= messages[i - 1]!.arrivalTime),
    'in order',
  );
  // arrivalTime - monotonicSeconds() + now: the wall clock of the same moment.
  const wall = before + 123.4 - monotonicSeconds();
  t.ok(Math.abs(fromWrist[0]!.wallTime - wall) < 30, `${fromWrist[0]!.wallTime - wall} s`);
  t.ok(Math.abs(fromWrist.at(-1)!.wallTime - fromWrist[0]!.wallTime - (pieces.at(-1)!.arrivalTime - 123.4)) < 2e-6);
  const summary = await summariseRecording(file);
  t.strictSame(
    summary.sensors.map(({ sensor: { sensor }, messages, bytes, lostMessages }) => ({
      sensor,
      messages,
      bytes,
      lostMessages,
    })),
    [
      { sensor: 'wrist', messages: pieces.length, bytes: 500 * 33, lostMessages: 0 },
      { sensor: 'lidar', messages: lidarCount, bytes: lidarCount * 100_000, lostMessages: 0 },
    ],
  );

  const play = async (more: object) => {
    const heard = listen();
    const connection = await openTransport(
      transportSettings.parse({ type: 'recording', file, ...more }),
      heard.handlers,
    );
    await heard.until(() => heard.reasons.length > 0);
    await t.rejects(connection.write(Uint8Array.of(1)), /takes no bytes/);
    return heard;
  };
  const played = await play({ sensor: 'wrist', speed: 'fastest' });
  t.strictSame(played.reasons, [`recording ${file} was played to its end`]);
  const frames = decode(played.pieces);
  const content = (frame: ImuFrame) => ({ ...frame, arrivalTime: 0 });
  t.strictSame(frames.map(content), expected.map(content));
  const offset = frames[0]!.arrivalTime - expected[0]!.arrivalTime;
  t.ok(frames.every(({ arrivalTime }, i) => Math.abs(arrivalTime - expected[i]!.arrivalTime - offset) < 1e-9));

  await t.rejects(play({ sensor: 'nobody' }), { message: /there is no sensor nobody; there is wrist, lidar/ });
  t.match((await play({ speed: 'fastest' })).reasons[0], /there are several sensors, wrist and lidar: say which/);
});

void t.test('a recording is played with the distances that it was recorded with', async (t) => {
  const file = join(await scratch(t), 'walk.mcap');
  const recorder = await createRecorder({ file, onError: fail });
  for (const time of [50, 50.2, 50.25, 50.4]) recorder.write(wrist, Uint8Array.of(1), time);
  await recorder.close();
  const heard = listen();
  const start = monotonicSeconds();
  await openTransport(transportSettings.parse({ type: 'recording', file }), {
    ...heard.handlers,
    // When it really came, beside the time that it was given.
    onBytes: (_, arrivalTime) => heard.handlers.onBytes(Buffer.from(String(monotonicSeconds())), arrivalTime),
  });
  await heard.until(() => heard.reasons.length > 0);
  for (const { bytes, arrivalTime } of heard.pieces) {
    const late = Number(bytes.toString()) - arrivalTime;
    t.ok(late > -0.0011, `${late} s late`);
  }
  t.ok(monotonicSeconds() - start >= 0.398);
  t.ok(Math.abs(heard.pieces[3]!.arrivalTime - heard.pieces[0]!.arrivalTime - 0.4) < 1e-9);
});

/** A file in memory for the readers of @mcap/core. */
const readable = (bytes: Uint8Array) => ({
  size: () => Promise.resolve(BigInt(bytes.length)),
  read: (offset: bigint, size: bigint) => Promise.resolve(bytes.slice(Number(offset), Number(offset + size))),
});

void t.test(
  "the file is one that @mcap/core's own indexed reader reads, with a schema that protobufjs reads",
  async (t) => {
    const file = join(await scratch(t), 'walk.mcap');
    const recorder = await createRecorder({ file, onError: fail });
    const pieces = wristStream();
    for (const { bytes, arrivalTime } of pieces) {
      recorder.write(wrist, bytes, arrivalTime);
      recorder.write(lidar, new Uint8Array(5000), arrivalTime);
    }
    await recorder.close();
    const reader = await McapIndexedReader.Initialize({ readable: readable(await readFile(file)) });
    t.equal(reader.statistics?.messageCount, BigInt(2 * pieces.length));
    t.ok(reader.chunkIndexes.length > 3, `${reader.chunkIndexes.length} chunks`);
    const channel = [...reader.channelsById.values()][0]!;
    t.equal(channel.topic, '/wrist');
    t.strictSame(Object.fromEntries(channel.metadata), {
      sensor: 'wrist',
      driver: 'witmotion-wt901',
      settings: '{"accelerationRange":16,"angularRateRange":2000,"outputRate":100}',
      transport: 'serial',
      place: 'living-room',
      virtual: 'true',
      recorded: 'false',
      'file:calibration': 'scale: 1\nName: Ærø\n',
    });
    const schema = reader.schemasById.get(channel.schemaId)!;
    t.strictSame([schema.name, schema.encoding, channel.messageEncoding], [deviceBytesName, 'protobuf', 'protobuf']);

    // An independent decoder, made from nothing but the schema in the file.
    const type = protobuf.Root.fromDescriptor(schema.data).lookupType(deviceBytesName);
    let i = 0;
    for await (const { data } of reader.readMessages({ topics: ['/wrist'] })) {
      const { arrival_time: time, data: bytes } = type.toObject(type.decode(data)) as {
        arrival_time: number;
        data: Uint8Array;
      };
      deepStrictEqual([time, Buffer.from(bytes)], [pieces[i]!.arrivalTime, Buffer.from(pieces[i]!.bytes)]);
      i++;
    }
    t.equal(i, pieces.length);
  },
);

void t.test('messages of any length are encoded as protobufjs does; other bytes are refused', (t) => {
  const type = protobuf.Root.fromDescriptor(deviceBytesSchema()).lookupType(deviceBytesName);
  for (const length of [1, 127, 128, 16_383, 16_384, 70_000]) {
    const message = { arrivalTime: 12345.678901234, bytes: new Uint8Array(length).fill(7) };
    const encoded = encodeDeviceBytes(message);
    t.strictSame(
      Buffer.from(encoded),
      Buffer.from(type.encode({ arrival_time: message.arrivalTime, data: message.bytes }).finish()),
    );
    t.strictSame(decodeDeviceBytes(encoded), message);
  }
  t.strictSame(decodeDeviceBytes(encodeDeviceBytes({ arrivalTime: 1, bytes: new Uint8Array(0) }))?.bytes.length, 0);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.boolean(), (bytes, likely) => {
      if (likely) {
        bytes[0] = 0x09;
        bytes[9] = 0x12;
      }
      decodeDeviceBytes(bytes);
    }),
  );
  t.equal(decodeDeviceBytes(Uint8Array.of(0x09, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 2, 1)), undefined);
  t.end();
});

void t.test('files follow one another by size and by time; nothing is lost in between', async (t) => {
  const folder = await scratch(t);
  const recorder = await createRecorder({
    directory: folder,
    rotate: { bytes: 300_000, seconds: 1000 },
    onError: fail,
  });
  const block = new Uint8Array(10_000);
  for (let i = 0; i < 100; i++) recorder.write(wrist, block.fill(i), i);
  // 1000 s later the file is too old, however small.
  for (let i = 0; i < 3; i++) recorder.write(wrist, block.fill(100 + i), 1200 + 1001 * i);
  await recorder.close();
  const files = (await readdir(folder)).sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  t.equal(recorder.counters.files, files.length);
  // 100 messages of 10,0xx bytes: 30 a file, and one more for each of the last but one.
  t.equal(files.length, 7, files.join(' '));
  t.match(files[0], /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ(-\d+)?\.mcap$/);
  const numbers: number[] = [];
  for (const file of files) {
    const { messages, end } = await readAll(join(folder, file));
    t.ok(end.complete);
    t.strictSame(messages[0]!.sensor, wrist, 'every file can be read alone');
    numbers.push(...messages.map(({ bytes }) => bytes[0]!));
    t.equal((await summariseRecording(join(folder, file))).sensors[0]!.lostMessages, 0);
  }
  t.strictSame(
    [...numbers].sort((a, b) => a - b),
    Array.from({ length: 103 }, (_, i) => i),
  );
});

void t.test('files that are no recordings say so', async (t) => {
  const folder = await scratch(t);
  const file = join(folder, 'text.mcap');
  await writeFile(file, 'this is not MCAP, but long enough to be');
  await t.rejects(readAll(file), { message: `recording ${file}: this is not an MCAP file` });
  await writeFile(file, '');
  await t.rejects(readAll(file), { message: `recording ${file}: this is not an MCAP file` });
  await t.rejects(readAll('/none.mcap'), { message: 'recording /none.mcap: no such file' });
  await t.rejects(readAll('/'), { message: 'recording /: this is a folder, not a recording' });
  await t.rejects(
    openTransport(transportSettings.parse({ type: 'recording', file: '/none.mcap' }), listen().handlers),
    {
      message: 'recording /none.mcap: no such file',
    },
  );
  const empty = join(folder, 'empty.mcap');
  await (await createRecorder({ file: empty, onError: fail })).close();
  t.strictSame(await readAll(empty), { messages: [], end: { complete: true, foreignMessages: 0 } });
  await t.rejects(openTransport(transportSettings.parse({ type: 'recording', file: empty }), listen().handlers), {
    message: `recording ${empty}: there is nothing of a sensor in it`,
  });
  await t.rejects(createRecorder({ file: empty, onError: fail }), {
    message: `recording ${empty}: there is such a file already; recordings are not written over`,
  });
  await t.rejects(createRecorder({ directory: join(empty, 'sub'), onError: fail }), {
    message: /a file, not a folder/,
  });
  t.equal(describeRecordingError('x', Object.assign(new Error('words'), { code: 'EODD' })), 'recording x: words');
});
