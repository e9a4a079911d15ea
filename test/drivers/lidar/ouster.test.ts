import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ouster } from '../../../drivers/lidar/ouster.js';
import { parseOusterMetadata } from '../../../drivers/lidar/ouster-metadata.js';
import {
  columnStatus,
  columnTime,
  measurementId,
  ousterLayout,
  packetHeader,
} from '../../../drivers/lidar/ouster-packets.js';
import { ousterProfiles, type OusterProfileName } from '../../../drivers/lidar/ouster-profiles.js';
import { damageStaysLocal, randomBytesDoNoHarm } from '../properties.js';
import { udpPayloads } from './pcap.js';

const folder = join(process.env['SENSING_DATA'] ?? '', 'captures/ouster');
const present = process.env['SENSING_DATA'] !== undefined && existsSync(folder);
const recordings = present ? {} : { skip: 'skipped: no recordings' };
const captures = present ? readdirSync(folder).filter((name) => name.endsWith('.pcap')) : [];
const read = (name: string) => readFileSync(join(folder, name), 'utf8');
const make = (metadata: string) => ouster.decoder(ouster.settings.parse({}), { metadata });
const none = {
  wrongLength: 0,
  notLidar: 0,
  otherSensor: 0,
  badColumn: 0,
  latePackets: 0,
  strayPackets: 0,
  lostPackets: 0,
  incomplete: 0,
};
const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
const md5 = (...parts: ArrayBufferView[]) => {
  const hash = createHash('md5');
  for (const part of parts) hash.update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
  return hash.digest('hex');
};

interface Digest {
  packet_hash: Record<string, string>;
  scans: Record<string, string>[];
}

/** The picture as the sensor sends it: without the shift of rows. */
function staggered<A extends Uint32Array | Uint16Array | Uint8Array>(
  data: A,
  columns: number,
  shifts: readonly number[],
): A {
  const out = data.slice() as A;
  shifts.forEach((shift, row) => {
    for (let c = 0; c < columns; c++)
      out[row * columns + c] = data[row * columns + ((((c + shift) % columns) + columns) % columns)]!;
  });
  return out;
}

// The digests are of the maker's own decoder (ouster-sdk, python/src/ouster/sdk/core/_digest.py): MD5 of each header and field of
// all packets in turn, [rows, columns of the packet], and of each field of the frames.
for (const capture of captures.filter((name) => existsSync(join(folder, name.replace('.pcap', '_digest.json'))))) {
  void t.test(`${capture}: every field has the maker's digest`, (t) => {
    const metadata = read(capture.replace('.pcap', '.json'));
    const digest = JSON.parse(read(capture.replace('.pcap', '_digest.json'))) as Digest;
    const packets = udpPayloads(join(folder, capture), 7502);
    const sensor = parseOusterMetadata(metadata);
    const layout = ousterLayout(sensor);
    const { columns, columnsPerPacket, rows, pixelShift } = sensor;
    const decoder = make(metadata);
    const frames = packets.flatMap((packet) => decoder.push(packet, 0));
    t.equal(frames.length, digest.scans.length);
    t.strictSame(decoder.counters.failures, none);
    for (const packet of packets) if (!ouster.recognises!(packet)) t.fail('not recognised');

    const legacy = layout.kind === 'LEGACY';
    const places = Array.from({ length: columnsPerPacket }, (_, i) => layout.packetHeader + i * layout.columnLength);
    const perColumn = <A>(from: (view: DataView, at: number) => A) =>
      packets.map((packet) => places.map((at) => from(viewOf(packet), at)));
    const times = perColumn(columnTime).map((values) => BigUint64Array.from(values));
    const ids = perColumn(measurementId).map((values) => Uint16Array.from(values));
    const statuses = perColumn((view, at) => columnStatus(view, at, layout));
    const encoders = perColumn((view, at) => (legacy ? view.getUint32(at + 12, true) : 0)); // not used by the driver
    const headers: Record<string, string> = {
      TIMESTAMP: md5(...times),
      ENCODER_COUNT: md5(...encoders.map((values) => Uint32Array.from(values))),
      MEASUREMENT_ID: md5(...ids),
      STATUS: md5(...statuses.map((values) => Uint32Array.from(values))),
      // The digest has it by column, where only LEGACY packets have it.
      FRAME_ID: md5(
        ...packets.map((packet) =>
          new Uint16Array(columnsPerPacket).fill(legacy ? packetHeader(viewOf(packet), layout).frame : 0),
        ),
      ),
    };
    const { images } = frames[0]!;
    const pictures = Object.fromEntries(
      Object.entries(images!).map(([name, { data }]) => [name.toUpperCase(), staggered(data, columns, pixelShift)]),
    );
    for (const [name, expected] of Object.entries(digest.packet_hash)) {
      const word = /^RAW32_WORD(\d)$/.exec(name)?.[1];
      const picture = pictures[name];
      if (headers[name] !== undefined) t.equal(headers[name], expected, name);
      else if (word !== undefined)
        t.equal(md5(...packets.map((packet) => rawWord(packet, Number(word) - 1))), expected, name);
      else
        t.equal(
          md5(...packets.map((_, i) => block(picture!, rows, columns, i * columnsPerPacket, columnsPerPacket))),
          expected,
          name,
        );
    }

    const [scan] = digest.scans;
    for (const [name, expected] of Object.entries(scan!)) {
      if (name === 'FRAME_ID') t.equal(String(packetHeader(viewOf(packets[0]!), layout).frame), expected);
      else if (name === 'TIMESTAMP')
        t.equal(md5(BigUint64Array.from(times.flatMap((values) => [...values]))), expected);
      else if (name === 'MEASUREMENT_ID')
        t.equal(md5(Uint16Array.from(ids.flatMap((values) => [...values]))), expected);
      else if (name === 'STATUS') t.equal(md5(BigUint64Array.from(statuses.flat().map(BigInt))), expected);
      else if (name === 'ENCODER_COUNT') t.equal(md5(BigUint64Array.from(encoders.flat().map(BigInt))), expected);
      else t.equal(md5(pictures[name]!), expected, `frame: ${name}`);
    }

    function rawWord(packet: Uint8Array, word: number): Uint32Array {
      const view = viewOf(packet);
      const { pixelLength } = layout.profile;
      return Uint32Array.from({ length: rows * columnsPerPacket }, (_, i) => {
        const row = Math.floor(i / columnsPerPacket);
        return view.getUint32(places[i % columnsPerPacket]! + layout.columnHeader + row * pixelLength + 4 * word, true);
      });
    }
    t.end();
  });
}

function block<A extends Uint32Array | Uint16Array | Uint8Array>(
  picture: A,
  rows: number,
  columns: number,
  first: number,
  width: number,
): A {
  const out = picture.slice(0, rows * width) as A;
  for (let row = 0; row < rows; row++)
    out.set(picture.subarray(row * columns + first, row * columns + first + width), row * width);
  return out;
}

void t.test("points are those of the maker's formula, in matrices", recordings, (t) => {
  for (const capture of captures) {
    if (!capture.startsWith('OS-') || capture.includes('20230712')) continue;
    const metadata = read(capture.replace('.pcap', '.json'));
    const sensor = parseOusterMetadata(metadata);
    const { columns, rows, pixelShift, altitude, azimuth, beamToLidar, lidarToSensor } = sensor;
    const decoder = make(metadata);
    const packets = udpPayloads(join(folder, capture), 7502).slice(0, columns / sensor.columnsPerPacket);
    const [frame] = packets.flatMap((packet) => decoder.push(packet, 0));
    const layout = ousterLayout(sensor);
    const ns = (column: number) => {
      const at = layout.packetHeader + (column % 16) * layout.columnLength;
      return viewOf(packets[Math.floor(column / 16)]!).getBigUint64(at, true);
    };
    const sent = new Map(Array.from({ length: columns }, (_, i) => [i, Number(ns(i) - ns(0)) / 1e9]));
    const { position, ring, intensity, time, returnNumber, images } = frame!;
    const pictures = ['', '2'].map((second) => ({
      range: images![`range${second}`],
      reflectivity: images![`reflectivity${second}`],
    }));
    // Points come row by row; of each row the first returns, then the second ones, in the order in which the columns were seen.
    let point = 0;
    let worst = 0;
    for (let row = 0; row < rows; row++)
      for (const [second, { range, reflectivity }] of pictures.entries())
        for (let column = 0; column < columns && range !== undefined; column++) {
          const pixel = row * columns + ((((column + pixelShift[row]!) % columns) + columns) % columns);
          const r = range.data[pixel]!;
          if (r === 0) continue;
          // Ouster documentation: sensor ← LiDAR ← rotor at the encoder's angle ← beam, whose own frame is turned by azimuth.
          const turn = rotationAboutZ(2 * Math.PI * (1 - column / columns));
          const n = Math.hypot(beamToLidar[3]!, beamToLidar[11]!);
          const theta = (-azimuth[row]! * Math.PI) / 180;
          const phi = (altitude[row]! * Math.PI) / 180;
          const beam = [
            (r - n) * Math.cos(theta) * Math.cos(phi),
            (r - n) * Math.sin(theta) * Math.cos(phi),
            (r - n) * Math.sin(phi),
            1,
          ];
          const expected = times(lidarToSensor, times(turn, times(beamToLidar, beam)));
          for (let i = 0; i < 3; i++) worst = Math.max(worst, Math.abs(position[3 * point + i]! - expected[i]! / 1000));
          if (ring![point] !== rows - 1 - row || intensity![point] !== reflectivity!.data[pixel])
            throw new Error(`${capture}: point ${point}`);
          if (
            returnNumber !== undefined &&
            returnNumber[point] !== (second === 1 && pictures[0]!.range!.data[pixel] !== 0 ? 1 : 0)
          )
            throw new Error(`${capture}: return number of point ${point}`);
          if (Math.abs(time![point]! - sent.get(column)!) > 1e-7)
            throw new Error(`${capture}: time of column ${column}`);
          point++;
        }
    t.equal(position.length, 3 * point, capture);
    t.ok(worst < 2e-5, `${capture}: ${worst} m`);
  }
  t.end();
});

void t.test('OS-1-128_v2.3.0_1024x10_lb_n3: three turns, 10 a second', recordings, (t) => {
  const name = 'OS-1-128_v2.3.0_1024x10_lb_n3';
  const decoder = make(read(`${name}.json`));
  const frames = udpPayloads(join(folder, `${name}.pcap`), 7502).flatMap((packet, i) => decoder.push(packet, i));
  t.strictSame(
    frames.map(({ arrivalTime }) => arrivalTime),
    [63, 127, 191],
    'each with its 64th packet',
  );
  for (const k of [1, 2]) t.ok(Math.abs(frames[k]!.deviceTime! - frames[k - 1]!.deviceTime! - 0.1) < 0.001);
  t.strictSame(decoder.counters.failures, none);
  // IMU packets that come along are not taken for anything.
  const imu = udpPayloads(join(folder, `${name}.pcap`), 7503);
  t.ok(imu.length === 30 && imu.every((packet) => !ouster.recognises!(packet)));
  decoder.push(imu[0]!, 0);
  t.equal(decoder.counters.failures['wrongLength'], 1);
  t.end();
});

const fusa = 'OS-1-128_767798045_1024x10_20230712_120049';
const fusaRecording = captures.includes(`${fusa}.pcap`) ? {} : { skip: 'skipped: no recordings' };
void t.test("FUSA: values of the maker's fusa_profile_test.cpp", fusaRecording, (t) => {
  const metadata = JSON.parse(read(`${fusa}.json`)) as { lidar_data_format: { column_window: number[] } };
  const packets = udpPayloads(join(folder, `${fusa}.pcap`), 7502);
  metadata.lidar_data_format.column_window = [0, 16 * packets.length - 1]; // the capture has but the beginning of a turn
  const decoder = make(JSON.stringify(metadata));
  const frames = packets.flatMap((packet) => decoder.push(packet, 0));
  t.strictSame(decoder.counters.failures, none);
  const sensor = parseOusterMetadata(JSON.stringify(metadata));
  const layout = ousterLayout(sensor);
  t.equal(layout.packetLength, 16640);
  const second = packets.find((packet) => measurementId(viewOf(packet), 32) === 0)!;
  t.equal(packetHeader(viewOf(second), layout).frame, 229);
  t.equal(columnTime(viewOf(second), 32 + 4 * layout.columnLength), 647840379896n);
  const column4 = (name: string) => {
    const { data, columns } = frames[0]!.images![name]!;
    const sent = staggered(data, columns, sensor.pixelShift);
    return Array.from({ length: 16 }, (_, row) => sent[row * columns + 4]);
  };
  t.strictSame(
    column4('range'),
    [0, 2328, 2328, 2320, 3096, 2312, 2304, 2280, 3056, 2296, 2264, 2256, 3000, 2272, 2240, 2240],
  );
  t.strictSame(column4('range2'), [0, 0, 0, 0, 0, 0, 0, 0, 480, 0, 0, 0, 448, 0, 0, 0]);
  t.strictSame(column4('near_ir'), [320, 544, 528, 496, 400, 464, 496, 560, 368, 512, 640, 640, 400, 672, 688, 608]);
  t.strictSame(column4('reflectivity'), [3, 26, 31, 32, 13, 38, 44, 45, 1, 58, 60, 61, 1, 67, 68, 72]);
  t.strictSame(column4('reflectivity2'), [0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 3, 0, 0, 0]);
  t.end();
});

// A small sensor: 16 beams, 64 columns, 4 packets a turn.
const small = (profile: OusterProfileName, more: object = {}) => ({
  beam_altitude_angles: Array.from({ length: 16 }, (_, i) => 15 - 2 * i),
  beam_azimuth_angles: Array.from({ length: 16 }, (_, i) => [4.2, 1.4, -1.4, -4.2][i % 4]),
  lidar_origin_to_beam_origin_mm: 15.806,
  lidar_to_sensor_transform: [-1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1, 36.18, 0, 0, 0, 1],
  prod_sn: '122201000998',
  lidar_mode: '64x10',
  data_format: {
    columns_per_frame: 64,
    columns_per_packet: 16,
    pixels_per_column: 16,
    column_window: [0, 63],
    pixel_shift_by_row: Array.from({ length: 16 }, (_, i) => [1, 0, -1, -2][i % 4]),
    udp_profile_lidar: profile,
    ...more,
  },
});

/** A packet as the maker's document lays it out, of the turn `frame`; what each pixel has depends on frame, column and row. */
function packet(profile: OusterProfileName, frame: number, first: number, serial = 122201000998): Uint8Array {
  const legacy = profile === 'LEGACY';
  const { pixelLength } = ousterProfiles[profile];
  const columnLength = 16 * pixelLength + (legacy ? 20 : 12);
  const bytes = new Uint8Array(16 * columnLength + (legacy ? 0 : 64));
  const view = viewOf(bytes);
  if (!legacy) {
    view.setUint16(0, 1, true);
    if (profile.startsWith('FUSA')) view.setUint32(4, frame, true);
    else view.setUint16(2, frame, true);
    const at = profile.startsWith('FUSA') ? 11 : 7;
    view.setUint32(at, serial % 2 ** 32, true);
    view.setUint8(at + 4, Math.floor(serial / 2 ** 32));
  }
  for (let i = 0; i < 16; i++) {
    const at = (legacy ? 0 : 32) + i * columnLength;
    view.setBigUint64(at, BigInt(frame * 100_000_000 + (first + i) * 1_562_500), true);
    view.setUint16(at + 8, first + i, true);
    view.setUint16(at + 10, legacy ? frame : 1, true);
    for (let row = 0; row < 16; row++)
      for (let word = 0; word < pixelLength; word += 4)
        view.setUint32(
          at + (legacy ? 16 : 12) + row * pixelLength + word,
          Math.imul(frame * 7919 + (first + i) * 104729 + row * 1299709 + word, 0x9e3779b1) >>> 0,
          true,
        );
    if (legacy) view.setUint32(at + columnLength - 4, 0xffffffff, true);
  }
  return bytes;
}

const turn = (profile: OusterProfileName, frame: number) =>
  [0, 16, 32, 48].map((first) => packet(profile, frame, first));
const profiles = Object.keys(ousterProfiles) as OusterProfileName[];

void t.test('packets of every profile are recognised, and give a frame', (t) => {
  for (const profile of profiles) {
    const decoder = make(JSON.stringify(small(profile)));
    const frames = turn(profile, 7).flatMap((one) => decoder.push(one, 3));
    t.equal(frames.length, 1, profile);
    t.equal(frames[0]!.deviceTime, 0.7);
    t.strictSame(decoder.counters.failures, none);
    t.ok(ouster.recognises!(turn(profile, 7)[2]!), profile);
    t.strictSame(
      Object.keys(frames[0]!.images!),
      ousterProfiles[profile].fields.map(({ name }) => name),
    );
  }
  for (const foreign of [new Uint8Array(48), new Uint8Array(1206), new Uint8Array(1280).fill(0xff), new Uint8Array(0)])
    t.notOk(ouster.recognises!(foreign));
  t.end();
});

void t.test('a lost packet costs its columns; order and duplicates do not matter', (t) => {
  const profile = 'RNG19_RFL8_SIG16_NIR16';
  const metadata = JSON.stringify(small(profile));
  const [a, b, c, d] = turn(profile, 1);
  const next = turn(profile, 2);
  const whole = make(metadata);
  const expected = [a!, b!, c!, d!, ...next].flatMap((one) => whole.push(one, 0));

  const decoder = make(metadata);
  const frames = [a!, c!, d!, ...next].flatMap((one) => decoder.push(one, 0));
  t.equal(frames.length, 2);
  t.equal(decoder.counters.failures['lostPackets'], 1);
  const range = frames[0]!.images!['range']!.data;
  t.ok(range.filter((value) => value === 0).length >= 256, 'the missing columns have no return');
  t.strictSame(frames[1], expected[1], 'the next turn is whole');

  const shuffled = make(metadata);
  const [n0, n1, n2, n3] = next;
  const again = [b!, a!, a!, c!, n0!, d!, n1!, n3!, n2!, n2!].flatMap((one) => shuffled.push(one, 0));
  t.strictSame(again, expected, 'as in order');
  t.equal(shuffled.counters.failures['latePackets'], 2);
  t.equal(shuffled.counters.failures['lostPackets'], 0);
  t.end();
});

void t.test('a turn that was joined in its midst is not a frame', (t) => {
  const decoder = make(JSON.stringify(small('LEGACY')));
  const packets = [...turn('LEGACY', 1).slice(3), ...turn('LEGACY', 2), ...turn('LEGACY', 3)];
  t.equal(packets.flatMap((one) => decoder.push(one, 0)).length, 2);
  t.equal(decoder.counters.failures['incomplete'], 1);
  t.end();
});

void t.test('a column window ends a turn with its last packet, over column 0 too', (t) => {
  for (const [window, firsts] of [
    [
      [16, 40],
      [16, 32],
    ],
    [
      [50, 5],
      [48, 0],
    ],
  ] as const) {
    const decoder = make(JSON.stringify(small('RNG15_RFL8_NIR8', { column_window: window })));
    const frames = firsts.flatMap((first) => decoder.push(packet('RNG15_RFL8_NIR8', 9, first), 0));
    t.equal(frames.length, 1);
  }
  t.end();
});

void t.test("another sensor's packets and other faults are counted and skipped", (t) => {
  const profile = 'RNG15_RFL8_NIR8';
  const change = (at: number, value: number) => {
    const bytes = packet(profile, 1, 0);
    bytes[at] = value;
    return bytes;
  };
  for (const [kind, bytes] of [
    ['otherSensor', packet(profile, 1, 0, 992101000280)],
    ['notLidar', change(0, 2)],
    ['badColumn', change(32 + 8, 64)],
    ['badColumn', change(32 + 8, 5)],
    ['badColumn', change(32 + 3 * (12 + 64) + 8, 9)],
    ['wrongLength', packet(profile, 1, 0).subarray(1)],
  ] as const) {
    const decoder = make(JSON.stringify(small(profile)));
    t.equal(decoder.push(bytes, 0).length, 0);
    t.strictSame(decoder.counters.failures, { ...none, [kind]: 1 });
    t.equal(decoder.counters.skippedBytes, bytes.length);
    t.equal(turn(profile, 1).flatMap((one) => decoder.push(one, 0)).length, 1);
  }
  t.end();
});

void t.test('columns that the sensor marks invalid have no returns', (t) => {
  const profile = 'RNG15_RFL8_NIR8';
  const packets = turn(profile, 1);
  packets[1]![32 + 2 * 76 + 10] = 0; // column 18
  const decoder = make(JSON.stringify(small(profile)));
  const [frame] = packets.flatMap((one) => decoder.push(one, 0));
  const { data } = frame!.images!['reflectivity']!;
  const shifts = small(profile).data_format.pixel_shift_by_row;
  shifts.forEach((shift, row) => t.equal(data[row * 64 + 18 + shift!], 0));
  t.equal(frame!.position.length / 3, frame!.images!['range']!.data.filter((value) => value > 0).length);
  t.end();
});

void t.test('nested metadata say the same as flat ones', (t) => {
  const flat = small('RNG19_RFL8_SIG16_NIR16_DUAL');
  const { beam_altitude_angles, beam_azimuth_angles, lidar_origin_to_beam_origin_mm, data_format } = flat;
  const nested = {
    beam_intrinsics: {
      beam_altitude_angles,
      beam_azimuth_angles,
      lidar_origin_to_beam_origin_mm,
      beam_to_lidar_transform: [1, 0, 0, 15.806, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1],
    },
    lidar_intrinsics: { lidar_to_sensor_transform: flat.lidar_to_sensor_transform },
    lidar_data_format: data_format,
    sensor_info: { prod_sn: flat.prod_sn, status: 'RUNNING' },
    config_params: { lidar_mode: flat.lidar_mode },
  };
  t.strictSame(parseOusterMetadata(JSON.stringify(nested)), parseOusterMetadata(JSON.stringify(flat)));
  t.end();
});

void t.test('metadata of the first firmwares, without a data format', (t) => {
  const { data_format, ...rest } = small('LEGACY');
  const sensor = parseOusterMetadata(JSON.stringify({ ...rest, lidar_mode: '1024x10' }));
  t.equal(sensor.profile, 'LEGACY');
  t.strictSame([sensor.rows, sensor.columns, sensor.columnsPerPacket], [data_format.pixels_per_column, 1024, 16]);
  t.strictSame(sensor.pixelShift.slice(0, 4), [12, 4, -4, -12]); // as an OS-1-128 with firmware 3.0 says of these azimuths
  t.end();
});

void t.test('metadata that cannot be used are refused with what to do', (t) => {
  const good = small('LEGACY');
  for (const [metadata, expected] of [
    ['<html>', /not JSON.*\/api\/v1\/sensor\/metadata/],
    ['[]', /metadata/],
    [JSON.stringify({ ...good, beam_altitude_angles: [1, 2] }), /beam_altitude_angles has 2 beams, the packets 16/],
    [JSON.stringify({ ...good, lidar_origin_to_beam_origin_mm: undefined }), /lidar_origin_to_beam_origin_mm/],
    [JSON.stringify({ ...good, data_format: undefined, lidar_mode: undefined }), /lidar_mode/],
    [JSON.stringify(small('LEGACY', { udp_profile_lidar: 'FIVE_WORD_PIXEL' })), /FIVE_WORD_PIXEL.*LEGACY/],
    [JSON.stringify(small('LEGACY', { column_window: [0, 64] })), /column_window/],
    [JSON.stringify(small('LEGACY', { columns_per_packet: 7 })), /7/],
    [JSON.stringify(small('LEGACY', { pixel_shift_by_row: [1] })), /pixel_shift_by_row/],
    [JSON.stringify(small('LEGACY', { columns_per_frame: 1e9 })), /columns_per_frame/],
  ] as const) {
    t.throws(() => make(metadata), { message: expected });
    try {
      make(metadata);
    } catch (error) {
      t.notMatch((error as Error).message, /\n/, 'one line');
    }
  }
  t.throws(() => ouster.decoder(ouster.settings.parse({})), { message: /no metadata/ });
  t.end();
});

void t.test('settings', (t) => {
  t.strictSame(ouster.settings.parse({}), { metadata: 'ouster.json', turnsPerSecond: 10 });
  t.equal(ouster.nominalRate(ouster.settings.parse({ turnsPerSecond: 20 })), 20);
  t.end();
});

void t.test('properties of every decoder', (t) => {
  for (const profile of ['LEGACY', 'RNG15_RFL8_NIR8', 'FUSA_RNG15_RFL8_NIR8_DUAL'] as const) {
    const metadata = JSON.stringify(small(profile));
    const units = Array.from({ length: 7 }, (_, k) =>
      turn(profile, 65530 + k > 65535 && !profile.startsWith('FUSA') ? k - 6 : 65530 + k),
    );
    damageStaysLocal(() => make(metadata), units, 'datagrams');
    randomBytesDoNoHarm(() => make(metadata), units[0]);
  }
  t.pass();
  t.end();
});

function times(matrix: readonly number[], vector: readonly number[]): number[] {
  return [0, 4, 8, 12].map((row) => vector.reduce((sum, value, i) => sum + matrix[row + i]! * value, 0));
}

function rotationAboutZ(angle: number): number[] {
  const c = Math.cos(angle);
  const s = Math.sin(angle);
  return [c, -s, 0, 0, s, c, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
}
