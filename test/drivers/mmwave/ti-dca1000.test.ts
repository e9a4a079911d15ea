import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import fc from 'fast-check';
import t from 'tap';
import type { RadarCubeFrame } from '../../../drivers/frames.js';
import { tiDca1000 } from '../../../drivers/mmwave/ti-dca1000.js';
import { damageStaysLocal, randomBytesDoNoHarm } from '../properties.js';
import { hex, join, profileText, u16, u32 } from './ti-encoder.js';

/** Without SampleSwap, as mmWave Studio sets the chips up: I before Q. */
const studio = profileText.replace('adcbufCfg -1 0 1 1 1', 'adcbufCfg -1 0 0 1 1');
const small = (samples: number, receivers: number, loops: number, text = studio) =>
  text
    .replace('1 256 5209', `1 ${samples} 5209`)
    .replace('channelCfg 15', `channelCfg ${receivers}`)
    .replace('frameCfg 0 2 16', `frameCfg 0 2 ${loops}`);
const make = (profile: string, settings: object = {}) =>
  tiDca1000.decoder(tiDca1000.settings.parse({ profile: 'radar.cfg', ...settings }), { profile });

/** The board's datagrams for a stream of data, as SPRUIJ4A section 5.2 has them. */
function packets(stream: Uint8Array, data = 1456, first = 0): Uint8Array[] {
  const result: Uint8Array[] = [];
  for (let at = 0, k = first; at < stream.length; at += data, k++)
    result.push(
      join(u32(k + 1, (k * data) % 2 ** 32), u16(Math.floor((k * data) / 2 ** 32)), stream.subarray(at, at + data)),
    );
  return result;
}

function int16s(count: number, value: (i: number) => number): Uint8Array {
  return new Uint8Array(Int16Array.from({ length: count }, (_, i) => value(i)).buffer);
}

/** Different everywhere, also from one frame to the next. */
const noise = (i: number) => ((i * 40503 + (i >> 7) * 977) & 0xffff) - 32768;

function decodeAll(decoder: ReturnType<typeof make>, datagrams: readonly Uint8Array[]): RadarCubeFrame[] {
  return datagrams.flatMap((datagram, k) => {
    const copy = datagram.slice();
    const frames = decoder.push(copy, k);
    copy.fill(0x5a);
    return frames;
  });
}

/** What TI's MATLAB script for the DCA1000 (SWRA581B, section 9) makes of a file: two lanes. */
function matlabTwoLanes(raw: Int16Array): [number, number][] {
  const complex: [number, number][] = [];
  for (let i = 0; i < raw.length; i += 4) complex.push([raw[i]!, raw[i + 2]!], [raw[i + 1]!, raw[i + 3]!]);
  return complex;
}

/** The same for four lanes: reshape(data, 8, []), rows 1 to 4 + j · rows 5 to 8; a column is one sample of receivers 0 to 3. */
function matlabFourLanes(raw: Int16Array, receiver: number): [number, number][] {
  return Array.from({ length: raw.length / 8 }, (_, k) => [raw[8 * k + receiver]!, raw[8 * k + 4 + receiver]!]);
}

/** Without the difference of long arrays in the message, which takes minutes. */
const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

const pairs = (data: Int16Array) => Array.from({ length: data.length / 2 }, (_, i) => [data[2 * i]!, data[2 * i + 1]!]);

void t.test("two lanes, complex: as TI's script reads them, [loops, chirps, receivers, samples]", (t) => {
  const count = 16 * 3 * 4 * 256;
  const bytes = int16s(2 * 2 * count, noise);
  const decoder = make(studio);
  const frames = decodeAll(decoder, packets(bytes));
  t.equal(frames.length, 2);
  for (const [k, frame] of frames.entries()) {
    t.strictSame(frame.shape, [16, 3, 4, 256]);
    t.equal(frame.components, 2);
    t.equal(frame.missing, 0);
    t.equal(frame.frameNumber, k);
    const raw = new Int16Array(bytes.slice(k * count * 4, (k + 1) * count * 4).buffer);
    t.ok(same(pairs(frame.data), matlabTwoLanes(raw)));
  }
  t.equal(frames[0]!.arrivalTime, Math.ceil((count * 4) / 1456) - 1, 'the packet with the last byte');
  t.strictSame(decoder.counters.skippedBytes, 0);
  t.ok(Object.values(decoder.counters.failures).every((n) => n === 0));
  t.end();
});

void t.test("SampleSwap, as the SDK's demo has it: Q before I", (t) => {
  const bytes = int16s(2 * 16 * 3 * 4 * 256, noise);
  const [plain] = decodeAll(make(studio), packets(bytes));
  const [swapped] = decodeAll(make(profileText), packets(bytes));
  t.ok(
    same(
      pairs(swapped!.data),
      pairs(plain!.data).map(([a, b]) => [b, a]),
    ),
  );
  t.end();
});

void t.test('two lanes, real; four lanes, complex and real, with all receivers and with two', (t) => {
  const real = (text: string) => text.replace('adcCfg 2 1', 'adcCfg 2 0');
  const chirps = 2 * 3;
  {
    const bytes = int16s(chirps * 2 * 8, noise);
    const [frame] = decodeAll(make(real(small(8, 5, 2))), packets(bytes));
    t.strictSame([frame!.shape, frame!.components], [[2, 3, 2, 8], 1]);
    t.strictSame([...frame!.data], [...new Int16Array(bytes.buffer)], 'receiver after receiver');
  }
  for (const mask of [15, 3]) {
    const receivers = mask === 15 ? 4 : 2;
    const bytes = int16s(chirps * 4 * 8 * 2, noise);
    const raw = new Int16Array(bytes.buffer);
    const [frame] = decodeAll(make(small(8, mask, 2), { board: 'xwr1443' }), packets(bytes));
    t.strictSame(frame!.shape, [2, 3, receivers, 8]);
    for (let receiver = 0; receiver < receivers; receiver++) {
      const expected = matlabFourLanes(raw, receiver);
      const own = Array.from({ length: chirps }, (_, chirp) =>
        pairs(frame!.data.subarray(2 * 8 * (chirp * receivers + receiver), 2 * 8 * (chirp * receivers + receiver + 1))),
      ).flat();
      t.strictSame(own, expected, `receiver ${receiver}`);
    }
    const [realFrame] = decodeAll(
      make(real(small(8, mask, 2)), { board: 'xwr1243' }),
      packets(bytes.subarray(0, bytes.length / 2)),
    );
    t.equal(realFrame!.components, 1);
    for (let receiver = 0; receiver < receivers; receiver++)
      t.equal(
        realFrame!.data[(2 * receivers + receiver) * 8 + 5],
        raw[4 * (2 * 8 + 5) + receiver],
        'chirp 2, sample 5',
      );
  }
  t.end();
});

/** 60 packets a frame. */
const profile60 = small(455, 15, 4);
const frameBytes60 = 4 * 3 * 4 * 455 * 4;
const stream60 = (frames: number) => int16s((frames * frameBytes60) / 2, noise);

void t.test('lost packets are zeros and are counted, and spoil their own frame only', (t) => {
  t.equal(frameBytes60, 60 * 1456);
  const bytes = stream60(4);
  const all = packets(bytes);
  const whole = decodeAll(make(profile60), all);
  const decoder = make(profile60);
  const frames = decodeAll(
    decoder,
    all.filter((_, k) => k !== 70 && k !== 71 && k !== 200),
  );
  t.strictSame(
    frames.map(({ frameNumber }) => frameNumber),
    [0, 1, 2, 3].slice(0, frames.length),
  );
  t.equal(frames.length, 3, 'the last frame may yet become whole');
  t.strictSame(
    frames.map(({ missing }) => missing),
    [0, (2 * 1456) / 4, 0],
  );
  t.ok(same([...frames[0]!.data], [...whole[0]!.data]));
  t.ok(same([...frames[2]!.data], [...whole[2]!.data]));
  const gap = [(10 * 1456) / 2, (12 * 1456) / 2] as const;
  t.ok(frames[1]!.data.subarray(...gap).every((value) => value === 0));
  t.ok(same([...frames[1]!.data.subarray(0, gap[0])], [...whole[1]!.data.subarray(0, gap[0])]));
  t.ok(same([...frames[1]!.data.subarray(gap[1])], [...whole[1]!.data.subarray(gap[1])]));
  t.equal(decoder.counters.failures['lostPackets'], 3);
  t.end();
});

void t.test('reordered packets are put back, duplicates dropped, later ones given up', (t) => {
  const all = packets(stream60(4));
  const whole = decodeAll(make(profile60), all);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(all.length - 1), fc.integer({ min: 1, max: 31 })), { maxLength: 10 }),
      fc.boolean(),
      (moves, doubled) => {
        const order = all.map((packet, k) => ({ packet, place: k }));
        for (const [k, by] of moves) order[k]!.place = k + by + 0.5;
        order.sort((a, b) => a.place - b.place);
        const decoder = make(profile60);
        // A first packet that comes late is one from before the stream was joined.
        if (order[0]!.packet !== all[0]) return true;
        const frames = decodeAll(
          decoder,
          order.flatMap(({ packet }) => (doubled ? [packet, packet] : [packet])),
        );
        const { failures } = decoder.counters;
        return (
          frames.length === 4 &&
          frames.every(
            ({ data, missing }, i) =>
              missing === 0 && Buffer.from(data.buffer).equals(Buffer.from(whole[i]!.data.buffer)),
          ) &&
          failures['lostPackets'] === 0 &&
          failures['duplicatePackets'] === (doubled ? all.length : 0)
        );
      },
    ),
  );
  const late = [...all.slice(0, 5), ...all.slice(6, 100), all[5]!, ...all.slice(100)];
  const decoder = make(profile60);
  t.equal(decodeAll(decoder, late)[0]!.missing, 1456 / 4);
  t.equal(decoder.counters.failures['latePackets'], 1);
  t.end();
});

void t.test('the stream can be joined anywhere, and begins anew with a new record', (t) => {
  const all = packets(stream60(3));
  const whole = decodeAll(make(profile60), all);
  const decoder = make(profile60);
  const joined = decodeAll(decoder, all.slice(17));
  t.strictSame(
    joined.map(({ frameNumber }) => frameNumber),
    [1, 2],
  );
  t.ok(same([...joined[0]!.data], [...whole[1]!.data]));
  t.equal(decoder.counters.failures['joined'], 1);
  t.strictSame(
    decodeAll(decoder, all).map(({ frameNumber, missing }) => [frameNumber, missing]),
    [
      [0, 0],
      [1, 0],
      [2, 0],
    ],
  );
  const short = make(profile60);
  decodeAll(short, all.slice(0, 40));
  decodeAll(
    short,
    all.filter((_, k) => k !== 20),
  );
  t.equal(short.counters.failures['lostPackets'], 1, 'the packet 20 of the record before is another one');
  const noFirst = decodeAll(decoder, all.slice(1));
  t.strictSame(
    noFirst.map(({ missing }) => missing),
    [0, 0],
    'its first frame cannot be whole if packet 1 is lost',
  );
  t.end();
});

void t.test('a long gap costs no time, and numbers run on beyond 32 bits', (t) => {
  const at = 2 ** 32 - 30;
  const far = packets(stream60(2), 1456, Math.ceil(at / 60) * 60);
  const decoder = make(profile60);
  decodeAll(decoder, packets(stream60(1)));
  const frames = decodeAll(decoder, far);
  t.strictSame(
    frames.map(({ frameNumber, missing }) => [frameNumber, missing]),
    [0, 1].map((k) => [Math.ceil(at / 60) + k, 0]),
  );
  t.equal(decoder.counters.failures['lostFrames'], Math.ceil(at / 60) - 1);
  t.equal(decoder.counters.failures['lostPackets'], Math.ceil(at / 60) * 60 - 60);
  t.end();
});

void t.test('a record may end with a short packet; frames need not begin with a packet', (t) => {
  const bytes = int16s((3 * 2 * 3 * 2 * 10 * 4) / 2, noise);
  const decoder = make(small(10, 3, 2));
  const frames = decodeAll(decoder, packets(bytes, 112));
  t.equal(bytes.length % 112 === 0, false);
  t.equal(frames.length, 3);
  t.strictSame(
    frames.flatMap(({ data }) => pairs(data)),
    matlabTwoLanes(new Int16Array(bytes.buffer)),
  );
  t.end();
});

void t.test("the head of a real board's packet (TI E2E thread 753787)", (t) => {
  const posted = hex('02000000b00500000000bb06b400d807230bcff9baf490098d03d2f4c4f9');
  const packet = join(posted, new Uint8Array(1466 - posted.length));
  t.ok(tiDca1000.recognises!(packet));
  const decoder = make(studio);
  decoder.push(packet, 0);
  t.equal(decoder.counters.skippedBytes, 0);
  t.equal(decoder.counters.failures['joined'], 1, 'it is the second packet of a record');
  t.end();
});

void t.test('what is no such packet is counted', (t) => {
  const decoder = make(profile60);
  const [first, second] = packets(stream60(1));
  const wrong = second!.slice();
  wrong[4] = 0;
  for (const bytes of [new Uint8Array(0), new Uint8Array(10), wrong, first!]) decoder.push(bytes, 0);
  const { tooShort, badHeader } = decoder.counters.failures;
  t.strictSame([tooShort, badHeader, decoder.counters.skippedBytes], [2, 1, 10 + 1466]);
  for (const bytes of [hex('0100000000000000000000'), wrong, new Uint8Array(1206), new Uint8Array(1466)])
    t.notOk(tiDca1000.recognises!(bytes));
  t.end();
});

void t.test('properties of every decoder', (t) => {
  // 60 packets of 112 bytes a frame: more than come late, and small, since each of their bytes may be hit.
  const profile = small(35, 15, 4);
  const all = packets(int16s((8 * 60 * 112) / 2, noise), 112);
  const units = Array.from({ length: 8 }, (_, k) => all.slice(60 * k, 60 * (k + 1)));
  damageStaysLocal(() => make(profile), units, 'datagrams');
  randomBytesDoNoHarm(() => make(small(2, 1, 1)), all.slice(0, 3));
  t.end();
});

void t.test('profiles that do not go with raw samples say what to do', (t) => {
  const refuses = (text: string, message: RegExp, settings = {}) => t.throws(() => make(text, settings), { message });
  t.throws(() => tiDca1000.decoder(tiDca1000.settings.parse({})), {
    message: /^ti-dca1000 needs to know.*Give the \.cfg file/,
  });
  refuses(
    `${studio}lvdsStreamCfg -1 0 0 0\n`,
    /line 12: lvdsStreamCfg does not send samples alone\. Make it 'lvdsStreamCfg -1 0 1 0'/,
  );
  refuses(`${studio}lvdsStreamCfg -1 1 1 0\n`, /line 12/);
  t.ok(make(`${studio}lvdsStreamCfg -1 0 1 0\n`));
  refuses(studio.replace('adcCfg 2', 'adcCfg 1'), /14 bit are not read/);
  refuses(studio.replace('-1 0 0 1 1', '-1 0 0 0 1'), /Make the ChanInterleave of adcbufCfg 1/);
  refuses(small(7, 1, 2), /even number of samples/);
  refuses(small(8, 5, 2), /receivers are read from the first on/, { board: 'xwr1243' });
  refuses(small(4096, 15, 1023), /MiB is too large/);
  t.end();
});

/** A DCA1000 on loopback, which answers where the request came from; 127.0.0.2, since both sides use one port number. */
async function fakeBoard(
  t: Pick<typeof import('tap').default, 'teardown'>,
  status: (code: number) => number | undefined,
) {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.2');
  await once(socket, 'listening');
  t.teardown(() => socket.close());
  const heard: string[] = [];
  socket.on('message', (message, from) => {
    heard.push(message.toString('hex'));
    const code = message.readUInt16LE(2);
    const answer = status(code);
    // An event of its own comes before each answer: it is not one.
    socket.send(hex('5aa50a000300aaee'), from.port, from.address);
    if (answer !== undefined) socket.send(join(hex('5aa5'), u16(code, answer), hex('aaee')), from.port, from.address);
  });
  const settings = (more: object = {}) =>
    tiDca1000.settings.parse({
      boardAddress: '127.0.0.2',
      localAddress: '127.0.0.1',
      controlPort: socket.address().port,
      ...more,
    });
  return { heard, settings };
}

const connection = { write: () => Promise.resolve(), close: () => Promise.resolve() };

void t.test('the board is set up, started and stopped by the commands of the documents', async (t) => {
  const { heard, settings } = await fakeBoard(t, () => 0);
  const stop = await tiDca1000.start!(connection, settings());
  // 03 with these six bytes: TI E2E thread 1254967. 0B: 1472 bytes, 25 µs / 8 ns = 3125.
  t.strictSame(heard, [
    '5aa509000000aaee',
    '5aa506000000aaee',
    '5aa50300060001020102031eaaee',
    '5aa50b000600c005350c0000aaee',
    '5aa505000000aaee',
  ]);
  await stop();
  t.equal(heard.at(-1), '5aa506000000aaee');
  await (
    await tiDca1000.start!(connection, settings({ board: 'xwr1443', packetDelay: 20 }))
  )();
  t.ok(heard.includes('5aa50300060001010102031eaaee'), 'four lanes');
  t.ok(heard.includes('5aa50b000600c005c4090000aaee'), '20 µs');
});

void t.test('a board that refuses or keeps silent is told, and the port is freed', async (t) => {
  let answers: (code: number) => number | undefined = (code) => (code === 6 ? 1 : 0);
  const { settings } = await fakeBoard(t, (code) => answers(code));
  const stop = await tiDca1000.start!(connection, settings());
  await t.rejects(
    stop(),
    { message: /refused 'record stop' with status 1/ },
    'though one at the beginning matters not',
  );
  answers = (code) => (code === 3 ? 1 : 0);
  await t.rejects(tiDca1000.start!(connection, settings()), {
    message: /^DCA1000 127\.0\.0\.2:\d+: the board refused 'FPGA configuration' with status 1\. Switch its power/,
  });
  answers = (code) => (code === 9 ? undefined : 0);
  await t.rejects(tiDca1000.start!(connection, settings()), {
    message: /no answer to 'system connect' within 2 s\. Is the board on.*192\.168\.33\.30/,
  });
  await t.rejects(tiDca1000.start!(connection, settings({ localAddress: '192.0.2.1' })), {
    message: /ip addr add 192\.168\.33\.30/,
  });
  const { controlPort } = settings();
  const other = createSocket('udp4');
  other.bind(controlPort, '127.0.0.1');
  await once(other, 'listening');
  await t.rejects(tiDca1000.start!(connection, settings()), { message: /another program uses the port/ });
  other.close();
  answers = () => 0;
  await t.rejects(
    tiDca1000.start!(connection, settings({ commandPort: '/dev/no-such-port', profile: 'a.cfg' }), { profile: studio }),
    {
      message: /^serial \/dev\/no-such-port/,
    },
  );
  await (
    await tiDca1000.start!(connection, settings())
  )();
  await (
    await tiDca1000.start!(connection, tiDca1000.settings.parse({}))
  )();
});

void t.test('settings', (t) => {
  const defaults = tiDca1000.settings.parse({});
  t.strictSame(defaults, {
    board: 'xwr1843',
    controlPort: 4096,
    localAddress: '0.0.0.0',
    packetDelay: 25,
    commandBaudRate: 115200,
    frameRate: 20,
  });
  t.equal(tiDca1000.nominalRate(defaults), 20);
  for (const wrong of [{ board: 'xwr6432' }, { packetDelay: 1 }, { controlPort: 0 }])
    t.notOk(tiDca1000.settings.safeParse(wrong).success, JSON.stringify(wrong));
  t.end();
});
