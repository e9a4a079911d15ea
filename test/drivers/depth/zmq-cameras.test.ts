import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { depthZmq } from '../../../drivers/depth/depth-zmq.js';
import { skeletonZmq } from '../../../drivers/depth/skeleton-zmq.js';
import { videoZmq } from '../../../drivers/depth/video-zmq.js';
import { damageStaysLocal, randomBytesDoNoHarm } from '../properties.js';

const drivers = { depth: depthZmq, skeleton: skeletonZmq, video: videoZmq };
const make = (kind: keyof typeof drivers) => () => drivers[kind].decoder({ rate: 30 });

/** The parts as the transport hands them on, told in the head of drivers/depth/message.ts; at an odd place in memory. */
function message(header: unknown, ...data: Uint8Array[]): Uint8Array {
  const first = typeof header === 'string' ? header : JSON.stringify(header);
  const pieces: Uint8Array[] = [Uint8Array.of(0)];
  for (const part of [Buffer.from(first), ...data]) {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(part.length);
    pieces.push(length, part);
  }
  return Uint8Array.from(Buffer.concat(pieces)).subarray(1);
}

const uint16 = (...values: number[]) => Uint8Array.from(values.flatMap((value) => [value & 0xff, value >> 8]));
function float32(...values: number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((value, i) => view.setFloat32(4 * i, value, true));
  return new Uint8Array(view.buffer);
}

const depthHeader = { version: 1, kind: 'depth', width: 3, height: 2, encoding: 'z16', metresPerStep: 0.001 };
const skeletonHeader = { version: 1, kind: 'skeleton', layout: 'pair', people: 2, joints: 2 };
const videoHeader = { version: 1, kind: 'video', width: 2, height: 1, encoding: 'rgb8' };
const joints = [0, 1, 2, 3, 4, 5, NaN, NaN, NaN, -1, -2.5, 1e3];

void t.test('a depth picture', (t) => {
  const decoder = make('depth')();
  // A Buffer, as Node.js gives them: its `slice` copies nothing.
  const bytes = Buffer.from(message({ ...depthHeader, time: 12.5, frame: 7 }, uint16(0, 1, 256, 65535, 1000, 4660)));
  const [frame] = decoder.push(bytes, 3);
  bytes.fill(0x77); // the transport may use its memory again
  t.strictSame(frame, {
    kind: 'depth',
    arrivalTime: 3,
    deviceTime: 12.5,
    width: 3,
    height: 2,
    depth: Uint16Array.of(0, 1, 256, 65535, 1000, 4660),
    metresPerStep: 0.001,
  });
  t.equal((frame as { depth: Uint16Array }).depth.buffer.byteLength, 12, 'in memory of its own');
  t.equal(decoder.counters.skippedBytes, 0);
  t.end();
});

void t.test('skeletons, with and without what is optional', (t) => {
  const decoder = make('skeleton')();
  const plain = decoder.push(message(skeletonHeader, float32(...joints)), 3)[0]!;
  t.strictSame(plain, {
    kind: 'skeleton',
    arrivalTime: 3,
    people: 2,
    layout: 'pair',
    joints: Float32Array.from(joints),
  });
  const full = decoder.push(
    message({ ...skeletonHeader, id: [4, 4294967295], time: 1 }, float32(...joints), float32(0, 0.5, 0.25, 1)),
    4,
  )[0]!;
  t.match(full, {
    deviceTime: 1,
    id: Uint32Array.of(4, 4294967295),
    confidence: Float32Array.of(0, 0.5, 0.25, 1),
  });
  const empty = decoder.push(
    message({ ...skeletonHeader, layout: 'coco', people: 0, joints: 17 }, new Uint8Array(0)),
    5,
  )[0]!;
  t.match(empty, { people: 0, joints: new Float32Array(0) });
  t.end();
});

void t.test('a colour picture comes out red first', (t) => {
  const pixels = (encoding: string) =>
    make('video')().push(message({ ...videoHeader, encoding }, Uint8Array.of(1, 2, 3, 4, 5, 6)), 0);
  t.match(pixels('rgb8'), [{ width: 2, height: 1, pixels: Uint8Array.of(1, 2, 3, 4, 5, 6) }]);
  t.match(pixels('bgr8'), [{ width: 2, height: 1, pixels: Uint8Array.of(3, 2, 1, 6, 5, 4) }]);
  for (let width = 1; width < 20; width++) {
    const sent = Uint8Array.from({ length: 3 * width }, (_, i) => 255 - i);
    const [frame] = make('video')().push(message({ ...videoHeader, width, encoding: 'bgr8' }, sent), 0);
    const turned = Array.from({ length: width }, (_, x) => [...sent.subarray(3 * x, 3 * x + 3)].reverse()).flat();
    t.strictSame([...(frame as { pixels: Uint8Array }).pixels], turned, `${width} pixels`);
  }
  t.end();
});

void t.test('a topic before the header and unknown keys are passed over', (t) => {
  const bytes = Buffer.concat([
    Buffer.from([5, 0, 0, 0]),
    Buffer.from('depth'),
    message({ ...depthHeader, camera: 'left' }, uint16(1, 2, 3, 4, 5, 6)),
  ]);
  t.equal(make('depth')().push(bytes, 0).length, 1);
  t.end();
});

void t.test('lost pictures are counted by their numbers', (t) => {
  const decoder = make('depth')();
  for (const frame of [3, 4, 7, 8, 0, 1, 5000, undefined, 5010])
    decoder.push(message({ ...depthHeader, frame }, uint16(1, 2, 3, 4, 5, 6)), 0);
  t.equal(decoder.counters.failures['lostFrames'], 2, '5 and 6; a restart and a leap are no loss');
  t.equal(decoder.counters.frames, 9);
  t.end();
});

void t.test('messages that are none are refused and counted', (t) => {
  const six = uint16(1, 2, 3, 4, 5, 6);
  const whole = message(depthHeader, six);
  const cases: [keyof typeof drivers, string, Uint8Array][] = [
    ['depth', 'badParts', new Uint8Array(0)],
    ['depth', 'badParts', Uint8Array.of(1, 0)],
    ['depth', 'badParts', whole.subarray(0, whole.length - 1)],
    ['depth', 'badParts', Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1)],
    ['depth', 'badParts', message(depthHeader)],
    ['depth', 'badParts', new Uint8Array(4 * 100_000)],
    ['depth', 'badHeader', message('{', six)],
    ['depth', 'badHeader', message(`{"a":"${' '.repeat(5000)}"}`, six)],
    ['depth', 'badHeader', message({ ...depthHeader, version: 2 }, six)],
    ['depth', 'badHeader', message({ ...depthHeader, kind: 'video' }, six)],
    ['depth', 'badHeader', message({ ...depthHeader, width: 0 }, six)],
    ['depth', 'badHeader', message({ ...depthHeader, width: 1.5 }, six)],
    ['depth', 'badHeader', message({ ...depthHeader, height: 1e9 }, six)],
    ['depth', 'badHeader', message({ ...depthHeader, encoding: 'png' }, six)],
    ['depth', 'badHeader', message({ ...depthHeader, metresPerStep: 0 }, six)],
    ['depth', 'badHeader', message({ ...depthHeader, time: '1' }, six)],
    ['depth', 'wrongSize', message(depthHeader, six.subarray(1))],
    ['depth', 'wrongSize', message({ ...depthHeader, width: 8192, height: 8192 }, six)],
    ['video', 'wrongSize', message(videoHeader, six.subarray(1))],
    ['video', 'badHeader', message({ ...videoHeader, encoding: 'jpeg' }, six)],
    ['skeleton', 'wrongSize', message(skeletonHeader, float32(1, 2, 3))],
    ['skeleton', 'wrongSize', message(skeletonHeader, float32(...joints), float32(1))],
    ['skeleton', 'badNumber', message(skeletonHeader, float32(...joints.slice(1), Infinity))],
    ['skeleton', 'badNumber', message(skeletonHeader, float32(...joints), float32(0, 0, NaN, 0))],
    ['skeleton', 'badNumber', message(skeletonHeader, float32(...joints), float32(0, 0, 1.5, 0))],
    ['skeleton', 'badHeader', message({ ...skeletonHeader, layout: 'kinect-v2' }, float32(...joints))],
    ['skeleton', 'badHeader', message({ ...skeletonHeader, layout: 'A b' }, float32(...joints))],
    ['skeleton', 'badHeader', message({ ...skeletonHeader, id: [1] }, float32(...joints))],
    ['skeleton', 'badHeader', message({ ...skeletonHeader, people: 65 }, float32(...joints))],
  ];
  for (const [kind, failure, bytes] of cases) {
    const decoder = make(kind)();
    t.equal(decoder.push(bytes, 0).length, 0);
    t.match(decoder.counters, { failures: { [failure]: 1 }, skippedBytes: bytes.length, bytes: bytes.length }, failure);
  }
  t.end();
});

void t.test('what every driver holds to', (t) => {
  const samples = {
    depth: (k: number) => message({ ...depthHeader, time: k, frame: k }, uint16(k, 2, 3, 4, 5, 6)),
    skeleton: (k: number) => message({ ...skeletonHeader, time: k, frame: k }, float32(...joints), float32(0, 0, 0, 1)),
    video: (k: number) => message({ ...videoHeader, frame: k }, Uint8Array.of(k, 2, 3, 4, 5, 6)),
  };
  for (const kind of ['depth', 'skeleton', 'video'] as const) {
    const units = Array.from({ length: 12 }, (_, k) => [samples[kind](k)]);
    damageStaysLocal(make(kind), units, 'datagrams');
    randomBytesDoNoHarm(make(kind), units.flat());
    for (const other of ['depth', 'skeleton', 'video'] as const)
      t.equal(drivers[other].recognises!(samples[kind](1)), other === kind, `${other} of ${kind}`);
  }
  t.end();
});

// The senders that the manual ships, as Python sees them.
const senders = 'docs/senders';
// Debian's, for which its packages are; another one may come first on the path.
const interpreter = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3';
const python = (...args: string[]) =>
  spawnSync(interpreter, args, { encoding: 'buffer', env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' } });
const has = (module: string) => python('-c', `import ${module}`).status === 0;

void t.test('the senders are Python', { skip: python('--version').status !== 0 && 'skipped: no python3' }, (t) => {
  const files = readdirSync(senders).filter((name) => name.endsWith('.py'));
  t.strictSame(files.sort(), ['generic.py', 'oak.py', 'realsense.py']);
  const check = 'import ast, sys\nfor name in sys.argv[1:]: ast.parse(open(name).read(), name)';
  const { status, stderr } = python('-c', check, ...files.map((name) => `${senders}/${name}`));
  t.equal(status, 0, stderr.toString());
  t.end();
});

void t.test(
  "the generic sender's messages are read as what went in",
  { skip: !has('numpy') && 'skipped: no numpy' },
  (t) => {
    const program = `
import struct, sys
import numpy as np
sys.path.insert(0, '${senders}')
import generic
joints = np.arange(2 * 17 * 3).reshape(2, 17, 3) / 8
joints[1, 3] = np.nan
for parts in [
    generic.depth_message(np.array([[0, 1], [500, 65535], [3, 4]]), 0.00025, seconds=2.5, frame=9),
    generic.skeleton_message(joints, 'coco', confidence=np.full((2, 17), 0.5), ids=[3, 8], frame=1),
    generic.video_message(np.arange(12).reshape(2, 2, 3), encoding='bgr8'),
    generic.test_message('depth', 0, 1.0), generic.test_message('skeleton', 0, 1.0), generic.test_message('video', 0, 1.0),
]:
    message = b''.join(struct.pack('<I', len(part)) + part for part in parts)
    sys.stdout.buffer.write(struct.pack('<I', len(message)) + message)
`;
    const output = execFileSync(interpreter, ['-c', program], {
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
    });
    const messages: Buffer[] = [];
    for (let at = 0; at < output.length; at += 4 + output.readUInt32LE(at))
      messages.push(output.subarray(at + 4, at + 4 + output.readUInt32LE(at)));
    const frames = messages.map(
      (bytes, i) => make((['depth', 'skeleton', 'video'] as const)[i % 3]!)().push(bytes, 0)[0],
    );
    t.match(frames[0], {
      width: 2,
      height: 3,
      metresPerStep: 0.00025,
      deviceTime: 2.5,
      depth: Uint16Array.of(0, 1, 500, 65535, 3, 4),
    });
    const expected = Float32Array.from({ length: 102 }, (_, i) => i / 8);
    expected.fill(NaN, (17 + 3) * 3, (17 + 4) * 3);
    t.match(frames[1], {
      people: 2,
      layout: 'coco',
      joints: expected,
      id: Uint32Array.of(3, 8),
      confidence: new Float32Array(34).fill(0.5),
    });
    t.match(frames[2], { width: 2, height: 2, pixels: Uint8Array.of(2, 1, 0, 5, 4, 3, 8, 7, 6, 11, 10, 9) });
    t.match(frames.slice(3), [{ kind: 'depth' }, { kind: 'skeleton' }, { kind: 'video' }]);
    t.end();
  },
);

void t.test(
  'the generic sender publishes its test pictures',
  { skip: !(has('numpy') && has('zmq')) && 'skipped: no pyzmq' },
  async (t) => {
    const { Subscriber } = await import('zeromq');
    const { spawn } = await import('node:child_process');
    const endpoint = `ipc://${mkdtempSync(join(tmpdir(), 'senders-'))}/pictures`;
    const child = spawn(interpreter, [`${senders}/generic.py`, 'depth', '--endpoint', endpoint], { stdio: 'inherit' });
    const socket = new Subscriber();
    t.teardown(() => {
      child.kill();
      socket.close();
    });
    socket.connect(endpoint);
    socket.subscribe();
    const [header, depth] = await socket.receive();
    t.match(make('depth')().push(message(header!.toString(), depth!), 0), [{ kind: 'depth', width: 320, height: 240 }]);
  },
);
