import { deepStrictEqual } from 'node:assert';
import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { captureReader, type CapturedDatagram } from '../../../drivers/transports/pcap-file.js';
import { ipText } from '../../../drivers/transports/pcap-packet.js';
import { ipv4, ipv6, links, pcapFile, pcapngFile, tagged, type Datagram, type Packet } from './captures.js';

const folder = join(process.env['SENSING_DATA'] ?? '', 'captures');
const skip = process.env['SENSING_DATA'] && existsSync(folder) ? false : 'skipped: no recordings';

function readAll(file: Uint8Array, sizes: readonly number[] = [file.length]) {
  const reader = captureReader();
  const datagrams: CapturedDatagram[] = [];
  for (let at = 0, i = 0; at < file.length; at += sizes[i++ % sizes.length]!) {
    const piece = Uint8Array.from(file.subarray(at, at + sizes[i % sizes.length]!));
    datagrams.push(...reader.push(piece));
    piece.fill(0xa5); // nothing of it may be kept
  }
  return { datagrams, counters: reader.counters };
}

const noFailures = captureReader().counters.failures;

// Packets, datagrams and payload bytes, and the capture's duration, as TShark 4.0.17 counts them (`tshark -r FILE -Y udp -T fields
// -e udp.dstport -e udp.length`, less 8 bytes of UDP header each; `capinfos -c -u`).
const known = [
  { file: 'nexmon/example_4339.pcap', ports: { 5500: 2850 }, bytes: 2_969_700, duration: 14.966639 },
  { file: 'nexmon/example_43455c0.pcap', ports: { 5500: 566 }, bytes: 589_772, duration: 5.211326 },
  { file: 'nexmon/example_4358.pcap', ports: { 5500: 4 }, bytes: 4168, duration: 0.000119 },
  { file: 'ouster/OS-0-128-U1_v2.3.0_1024x10.pcap', ports: { 7502: 64, 7503: 10 }, bytes: 541_152, duration: 0.098156 },
  {
    file: 'ouster/OS-1-128_v2.3.0_1024x10_lb_n3.pcap',
    ports: { 7502: 192, 7503: 30 },
    bytes: 1_623_456,
    duration: 0.298491,
  },
  { file: 'ouster/OS-1-32-G_v2.1.1_1024x10.pcap', ports: { 7502: 64 }, bytes: 413_696, duration: 0.098213 },
] as const;

void t.test('real captures have the datagrams that TShark finds in them', { skip }, (t) => {
  for (const { file, ports, bytes, duration } of known) {
    const { datagrams, counters } = readAll(readFileSync(join(folder, file)), [65536]);
    const found: Record<number, number> = {};
    for (const { destinationPort } of datagrams) found[destinationPort] = (found[destinationPort] ?? 0) + 1;
    t.strictSame(found, ports, file);
    t.equal(
      datagrams.reduce((sum, { payload }) => sum + payload.length, 0),
      bytes,
    );
    const span = datagrams.at(-1)!.time - datagrams[0]!.time;
    t.ok(Math.abs(span - duration) < 1e-6, `${span} s`);
    t.strictSame(counters.failures, noFailures);
    t.equal(datagrams[0]!.sourceAddress, file.startsWith('nexmon') ? '10.10.10.10' : '127.0.0.1');
  }
  t.end();
});

void t.test('a real capture chopped anywhere gives the same', { skip }, (t) => {
  const file = readFileSync(join(folder, 'ouster/OS-0-128-U1_v2.3.0_1024x10.pcap')).subarray(0, 60_000);
  const whole = readAll(file);
  t.equal(whole.datagrams.length, 8);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 9000 }), { minLength: 1, maxLength: 10 }), (sizes) => {
      deepStrictEqual(readAll(file, sizes), whole);
    }),
    { numRuns: 50 },
  );
  t.end();
});

const four: Datagram = {
  source: '192.168.1.201',
  destination: '255.255.255.255',
  sourcePort: 2368,
  destinationPort: 2369,
  payload: Uint8Array.from({ length: 1206 }, (_, i) => i * 7),
};
const six: Datagram = {
  ...four,
  source: 'fe80::1:0:0:7',
  destination: 'ff02::1',
  payload: four.payload.subarray(0, 333),
};
const start = 1_700_000_000.25;

/** Everything that can be in a capture of this link type. */
function packetsOf(linkType: number): { packets: Packet[]; expected: Datagram[] } {
  const link = links[linkType]!;
  const pieces = [
    ...ipv4(four),
    ...ipv4(four, { options: 3 }),
    ...ipv6(six),
    ...ipv6(six, { hopByHop: true }),
    ...ipv4(four, { id: 7, fragment: 400 }).reverse(),
    ...ipv6(six, { id: 8, fragment: 104, hopByHop: true }),
  ].map(link);
  if (linkType === 1) pieces.push(...ipv4(four).map(tagged), ...ipv6(six).map(tagged));
  const packets = pieces.map((bytes, i) => ({ time: start + i / 1000, bytes }));
  const expected = [four, four, six, six, four, six, ...(linkType === 1 ? [four, six] : [])];
  return { packets, expected };
}

const digest = (payload: Buffer) => `${payload.length} bytes ${createHash('sha1').update(payload).digest('hex')}`;
const essence = ({ sourceAddress, sourcePort, destinationPort, payload }: CapturedDatagram) => ({
  source: sourceAddress,
  sourcePort,
  destinationPort,
  payload: digest(Buffer.from(payload)),
});
const expectedEssence = ({ source, sourcePort, destinationPort, payload }: Datagram) => ({
  source,
  sourcePort,
  destinationPort,
  payload: digest(Buffer.from(payload)),
});

const files: { name: string; file: Uint8Array; expected: Datagram[] }[] = [];
for (const linkType of Object.keys(links).map(Number)) {
  const { packets, expected } = packetsOf(linkType);
  for (const little of [true, false])
    for (const nano of [true, false]) {
      const name = `pcap, link type ${linkType}, ${little ? 'little' : 'big'}-endian, ${nano ? 'ns' : 'µs'}`;
      // The family of link type 0 is in the capturing host's byte order; these are written by a little-endian one.
      if (linkType !== 0 || little) files.push({ name, file: pcapFile(packets, { linkType, little, nano }), expected });
    }
}
const mixed = [1, 101, 113, 276].map((linkType) => {
  const { packets, expected } = packetsOf(linkType);
  return { packets: packets.map((packet) => ({ ...packet, linkType })), expected };
});
for (const [name, options] of Object.entries({
  plain: {},
  'big-endian': { little: false },
  'two sections, ns': { resolution: 9, sections: 2 },
  'steps of 2^-20 s': { resolution: 0x80 | 20 },
}))
  files.push({
    name: `pcapng, ${name}`,
    file: pcapngFile(
      mixed.flatMap(({ packets }) => packets),
      options,
    ),
    expected: mixed.flatMap(({ expected }) => expected),
  });

void t.test('every byte order, resolution and link type, with fragments and extension headers', (t) => {
  for (const { name, file, expected } of files) {
    const { datagrams, counters } = readAll(file);
    t.strictSame(datagrams.map(essence), expected.map(expectedEssence), name);
    t.strictSame(counters.failures, noFailures);
    t.equal(counters.bytes, file.length);
    t.equal(datagrams[0]!.time, start);
    t.ok(Math.abs(datagrams[1]!.time - start - 1 / 1000) < 1e-6);
  }
  t.end();
});

const tshark = spawnSync('tshark', ['--version']).status === 0 ? {} : { skip: 'skipped: no tshark' };
void t.test('TShark reads the same in these files', tshark, async (t) => {
  const scratch = await mkdtemp(join(tmpdir(), 'captures-'));
  t.teardown(() => rm(scratch, { recursive: true }));
  const path = join(scratch, 'file.pcap');
  // One of each link type, and all of pcapng.
  for (const { name, file } of files.filter(
    ({ name }) => name.startsWith('pcapng') || name.endsWith('little-endian, µs'),
  )) {
    await writeFile(path, file);
    const fields = ['frame.time_epoch', 'ip.src', 'ipv6.src', 'udp.srcport', 'udp.dstport', 'udp.payload'];
    const result = spawnSync(
      'tshark',
      [
        '-r',
        path,
        '-Y',
        'udp',
        '-T',
        'fields',
        '--disable-protocol',
        'all',
        ...[
          'eth',
          'vlan',
          'sll',
          'null',
          'loop',
          'raw',
          'ip',
          'ipv6',
          'ipv6.hopopts',
          'ipv6.fraghdr',
          'udp',
          'frame',
        ].flatMap((one) => ['--enable-protocol', one]),
        ...fields.flatMap((field) => ['-e', field]),
      ],
      { encoding: 'utf8' },
    );
    const theirs = result.stdout
      .trim()
      .split('\n')
      .map((line) => line.split('\t'))
      .map(([time, ip4, ip6, sourcePort, destinationPort, payload]) => ({
        time: Number(time).toFixed(6),
        source: ip4 === '' ? ip6 : ip4,
        sourcePort: Number(sourcePort),
        destinationPort: Number(destinationPort),
        payload: digest(Buffer.from(payload ?? '', 'hex')),
      }));
    const ours = readAll(file).datagrams.map((one) => ({ time: one.time.toFixed(6), ...essence(one) }));
    t.strictSame(ours, theirs, name);
  }
});

void t.test('packets without a time have that of the packet before', (t) => {
  const [bytes] = ipv4(four).map(links[1]!);
  const packets = [
    { time: start, bytes: bytes!, linkType: 1 },
    { time: 0, bytes: bytes!, linkType: 1, simple: true },
  ];
  t.strictSame(
    readAll(pcapngFile(packets)).datagrams.map(({ time }) => time),
    [start, start],
  );
  t.end();
});

void t.test('what cannot be read is counted under its name', (t) => {
  const [bytes] = ipv4(four).map(links[1]!);
  const whole = { time: start, bytes: bytes! };
  const failuresOf = (file: Uint8Array) => {
    const { counters } = readAll(file);
    return Object.fromEntries(Object.entries(counters.failures).filter(([, count]) => count > 0));
  };
  t.strictSame(failuresOf(pcapFile([{ ...whole, bytes: bytes!.slice(0, 100), length: bytes!.length }])), {
    cutPackets: 1,
  });
  t.strictSame(failuresOf(pcapFile([whole], { linkType: 147 })), { unknownLinkType: 1 });
  t.strictSame(failuresOf(pcapFile([{ ...whole, bytes: bytes!.slice(0, 13) }])), { badPackets: 1 });
  t.strictSame(failuresOf(Uint8Array.from([0x1f, 0x8b, 8, 0, 0])), { notACapture: 1 });
  const damaged = pcapFile([whole, whole]);
  damaged[24 + 16 + bytes!.length + 10] = 0xff; // the second packet claims 16 MB
  t.strictSame(failuresOf(damaged), { damaged: 1 });
  t.equal(readAll(damaged).datagrams.length, 1, 'what comes before is read');

  const parts = ipv4(four, { id: 3, fragment: 400 }).map(links[1]!);
  const at = (bytes: number[], time = start) => ({ time, bytes });
  const overlap = ipv4(four, { id: 3, fragment: 600 }).map(links[1]!);
  t.strictSame(failuresOf(pcapFile([at(parts[0]!), at(overlap[1]!), at(parts[3]!)])), {}, 'no overlap: one is missing');
  t.strictSame(failuresOf(pcapFile([at(parts[1]!), at(overlap[1]!)])), { incompleteDatagrams: 1 });
  t.strictSame(failuresOf(pcapFile([at(parts[0]!), at(parts[1]!, start + 31)])), { incompleteDatagrams: 1 });
  t.equal(readAll(pcapFile([...parts, ...parts].map((one) => at(one)))).datagrams.length, 2);
  t.equal(
    readAll(pcapFile([parts[0]!, parts[0]!, ...parts.slice(1)].map((one) => at(one)))).datagrams.length,
    1,
    'a duplicate',
  );
  // A hundred begun ones: 64 may wait.
  const begun = Array.from({ length: 100 }, (_, id) => at(links[1]!(ipv4(four, { id, fragment: 400 })[0]!)));
  t.strictSame(failuresOf(pcapFile(begun)), { incompleteDatagrams: 36 });
  t.end();
});

void t.test('files chopped anywhere give the same', (t) => {
  const sizes = fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 10 });
  fc.assert(
    fc.property(fc.constantFrom(...files), sizes, ({ file }, lengths) => {
      deepStrictEqual(readAll(file, lengths), readAll(file));
    }),
    { numRuns: 200 },
  );
  t.end();
});

void t.test('hostile bytes: nothing is thrown, and what comes out was in the file', (t) => {
  const change = fc.array(fc.tuple(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.nat(255)), {
    minLength: 1,
    maxLength: 40,
  });
  const sizes = fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 5 });
  const random = fc.tuple(fc.constantFrom(...files), fc.uint8Array({ maxLength: 3000 })).map(([{ file }, tail]) => {
    const begin = Math.min(file.length, 100);
    return Uint8Array.from([...file.subarray(0, begin), ...tail]);
  });
  const corrupted = fc.tuple(fc.constantFrom(...files), change).map(([{ file }, changes]) => {
    const copy = file.slice();
    for (const [at, value] of changes) copy[Math.floor(at * copy.length)] = value;
    return copy;
  });
  fc.assert(
    fc.property(fc.oneof(corrupted, corrupted, random), sizes, (file, lengths) => {
      const { datagrams, counters } = readAll(file, lengths);
      deepStrictEqual(counters.bytes, file.length);
      const total = datagrams.reduce((sum, { payload }) => sum + payload.length, 0);
      if (total > file.length) throw new Error(`${total} bytes came out of ${file.length}`);
      deepStrictEqual({ datagrams, counters }, readAll(file));
    }),
    { numRuns: 1000 },
  );
  t.end();
});

void t.test('blocks that claim to be huge are read past without being kept', (t) => {
  const [bytes] = ipv4(four).map(links[1]!);
  const file = pcapngFile([{ time: start, bytes: bytes!, linkType: 1 }]);
  // The block of an unknown kind lies after the section (28 bytes) and one interface (20 bytes); it claims 512 MB.
  const at = 28 + 20;
  new DataView(file.buffer).setUint32(at + 4, 512 * 1024 * 1024, true);
  const reader = captureReader();
  reader.push(file);
  const before = process.memoryUsage().arrayBuffers;
  const block = new Uint8Array(1024 * 1024);
  for (let i = 0; i < 511; i++) reader.push(block);
  t.ok(process.memoryUsage().arrayBuffers - before < 8 * 1024 * 1024);
  t.ok(reader.readable);
  t.equal(reader.counters.datagrams, 0);
  t.end();
});

void t.test('addresses are written as RFC 5952 has them', (t) => {
  const text = (hex: string) => ipText(Uint8Array.from(Buffer.from(hex, 'hex')));
  // The RFC's own examples, sections 4.1 to 4.2.3.
  t.equal(text('20010db8000000000000000000000001'), '2001:db8::1');
  t.equal(text('20010db8000000010001000100010001'), '2001:db8:0:1:1:1:1:1');
  t.equal(text('20010000000000010000000000000001'), '2001:0:0:1::1');
  t.equal(text('20010db8000000000001000000000001'), '2001:db8::1:0:0:1');
  t.equal(text('00000000000000000000000000000000'), '::');
  t.equal(text('fe800000000000000000000000000000'), 'fe80::');
  t.equal(text('c0a801c9'), '192.168.1.201');
  t.end();
});
