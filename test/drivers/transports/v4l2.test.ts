import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { v4l2Depth } from '../../../drivers/depth/v4l2-depth.js';
import { describeV4l2Error, v4l2 } from '../../../drivers/transports/v4l2.js';

const format = (pixels: string, size: string) =>
  `printf "Format Video Capture:\\n\\tWidth/Height      : ${size}\\n\\tPixel Format      : '${pixels}' (16-bit Depth)\\n"`;
const z16 = format('Z16 ', '4/2');
const header = Buffer.from('rdhV\0\0\0\x10', 'latin1');
const pictures = [1, 2, 3].map((k) => Buffer.concat([header, Buffer.alloc(16, k)]));

/**
 * Puts a stand-in for v4l2-ctl on the path.
 * @param ask what it does when asked for the format, shell
 * @param stream what it does when asked for pictures, shell
 */
function standIn(t: Tap, ask: string, stream: string, name = 'v4l2-ctl') {
  const folder = t.testdir({ camera: '', pictures: Buffer.concat(pictures) });
  const script = `#!/bin/sh
# A stand-in for v4l2-ctl, made by a test of babel-gateway. It knows no camera.
for argument in "$@"; do printf '%s|' "$argument"; done >> ${folder}/calls
echo >> ${folder}/calls
case "$*" in
  *--stream-to-hdr=-*) echo $$ > ${folder}/pid; ${stream};;
  *--stream-count=1*) echo "		VIDIOC_STREAMON returned -1 (No space left on device)" >&2; exit 0;;
  *) ${ask};;
esac
`;
  writeFileSync(`${folder}/${name}`, script);
  chmodSync(`${folder}/${name}`, 0o755);
  const path = process.env['PATH'];
  process.env['PATH'] = `${folder}:${path}`;
  t.teardown(() => {
    process.env['PATH'] = path;
  });
  const calls = () => readFileSync(`${folder}/calls`, 'utf8').trim().split('\n');
  const pid = () => readFileSync(`${folder}/pid`, 'utf8').trim();
  return {
    folder,
    calls,
    pid,
    settings: { type: 'v4l2' as const, device: `${folder}/camera`, width: 4, height: 2, rate: 15 },
  };
}
type Tap = Pick<typeof t, 'testdir' | 'teardown'>;

function listen() {
  const pieces: Uint8Array[] = [];
  const reasons: string[] = [];
  const handlers = {
    onBytes: (bytes: Uint8Array) => void pieces.push(Uint8Array.from(bytes)),
    onClose: (reason: string) => void reasons.push(reason),
  };
  const until = async (condition: () => boolean) => {
    while (!condition()) await sleep(5);
  };
  return { pieces, reasons, handlers, until, received: () => Buffer.concat(pieces) };
}

const linux = { skip: process.platform !== 'linux' && 'skipped: not Linux' };

void t.test('pictures come in, and the camera is given back', linux, async (t) => {
  const { folder, settings, calls, pid } = standIn(
    t,
    z16,
    `printf '<<<<' >&2; cat $(dirname $0)/pictures; exec sleep 60`,
  );
  const heard = listen();
  const connection = await v4l2.open(settings, heard.handlers);
  await heard.until(() => heard.received().length === 72);
  const decoder = v4l2Depth.decoder(v4l2Depth.settings.parse({ width: 4, height: 2 }));
  const frames = decoder.push(heard.received(), 0);
  t.strictSame(
    frames.map(({ depth }) => depth[0]),
    [0x0101, 0x0202, 0x0303],
  );
  const wanted = `--device=${folder}/camera|--set-fmt-video=width=4,height=2,pixelformat=Z16 |--set-parm=15|`;
  t.strictSame(calls(), [`${wanted}--get-fmt-video|`, `${wanted}--stream-mmap|--stream-to-hdr=-|`]);
  await t.rejects(connection.write(), /takes no bytes/);
  const process = `/proc/${pid()}`;
  t.ok(existsSync(process), 'it runs');
  await connection.close();
  await connection.close();
  t.notOk(existsSync(process), 'it has ended');
  t.strictSame(heard.reasons, [], 'close() is not reported as a loss');
});

void t.test('a picture is complete with its own last byte', linux, async (t) => {
  const { settings, folder } = standIn(
    t,
    z16,
    `echo "$_STDBUF_O" > $(dirname $0)/buffering; cat $(dirname $0)/pictures; exec sleep 60`,
  );
  const connection = await v4l2.open(settings, listen().handlers);
  t.equal(readFileSync(`${folder}/buffering`, 'utf8').trim(), '0', "stdbuf's word for: no buffer");
  await connection.close();
});

void t.test('the camera is unplugged', linux, async (t) => {
  const { settings } = standIn(
    t,
    z16,
    `cat $(dirname $0)/pictures; printf '<<< 14.98 fps\\n<<VIDIOC_DQBUF: failed: No such device\\n' >&2; exit 0`,
  );
  const heard = listen();
  const connection = await v4l2.open(settings, heard.handlers);
  await heard.until(() => heard.reasons.length > 0);
  t.equal(heard.received().length, 72, 'what came before is not lost');
  t.strictSame(heard.reasons, [
    `v4l2 ${settings.device}: no such camera. Is it plugged in? \`v4l2-ctl --list-devices\` lists those that are there`,
  ]);
  await connection.close();
  t.equal(heard.reasons.length, 1, 'told once');
});

void t.test('what can go wrong at the start is told with its remedy', linux, async (t) => {
  const cases: [name: string, ask: string, stream: string, RegExp][] = [
    ['a colour camera', format('YUYV', '4/2'), 'exit 1', /no depth camera: it gives pixel format YUYV, not Z16/],
    [
      'another size',
      format('Z16 ', '848/480'),
      'exit 1',
      /does not do this size, but picture size 848x480\. .*--list-framesizes/,
    ],
    [
      'busy',
      `echo 'VIDIOC_S_FMT: failed: Device or resource busy'; ${format('YUYV', '4/2')}`,
      'exit 1',
      /in use by another program/,
    ],
    [
      'no node of a camera',
      `echo 'Unable to detect what device it is, exiting.' >&2; exit 1`,
      'exit 1',
      /Unable to detect what device/,
    ],
    ['nothing said', 'exit 1', 'exit 1', /v4l2-ctl does not tell the format/],
    ['it does not stream, and says why only when asked', z16, 'exit 0', /USB port has not the bandwidth/],
    ['it does not stream, and says why', z16, `printf '<<boom\\n' >&2; exit 1`, /: boom$/],
  ];
  for (const [name, ask, stream, expected] of cases) {
    await t.test(name, async (t) => {
      const { settings } = standIn(t, ask, stream);
      const heard = listen();
      await t.rejects(v4l2.open(settings, heard.handlers), { message: expected });
      t.strictSame([heard.pieces, heard.reasons], [[], []]);
    });
  }
});

void t.test('a missing camera or program', linux, async (t) => {
  const { settings, folder } = standIn(t, z16, 'exit 1', 'not-v4l2-ctl');
  await t.rejects(v4l2.open({ ...settings, device: `${folder}/other` }, listen().handlers), {
    message: /no such camera\. Is it plugged in/,
  });
  process.env['PATH'] = folder;
  await t.rejects(v4l2.open(settings, listen().handlers), {
    message: /v4l2-ctl is missing: `sudo apt install v4l-utils`/,
  });
});

void t.test('every error has one line', (t) => {
  const of = (message: string, code?: string, syscall?: string) =>
    describeV4l2Error('/dev/video2', Object.assign(new Error(message), { code, syscall }));
  t.match(of('denied', 'EACCES', 'access'), /^v4l2 \/dev\/video2: permission denied\. Add the user .* group video/);
  t.match(of('x', 'ENOENT', 'spawn stdbuf'), /apt install coreutils/);
  t.match(of('Device or resource busy'), /fuser -v \/dev\/video2/);
  t.match(of('no picture came within 10 s'), /: no picture came within 10 s\. Unplug the camera/);
  t.equal(of('something else'), 'v4l2 /dev/video2: something else');
  t.end();
});

void t.test('settings', (t) => {
  const defaults = { type: 'v4l2', device: '/dev/video0', width: 640, height: 480, rate: 30 };
  t.strictSame(v4l2.settings.parse({ type: 'v4l2' }), defaults);
  for (const wrong of [{ device: 'video0' }, { width: 0 }, { rate: 0 }, { hight: 3 }])
    t.notOk(v4l2.settings.safeParse({ type: 'v4l2', ...wrong }).success, JSON.stringify(wrong));
  t.end();
});
