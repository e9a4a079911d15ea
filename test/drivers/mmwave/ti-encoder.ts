/** Packets of TI's mmWave firmware, built from the documents that `ti-tlv.ts` names. */

export interface Item {
  readonly type: number;
  readonly value: Uint8Array;
}

export interface PacketOptions {
  readonly head?: 36 | 40 | 48;
  readonly version?: number;
  readonly platform?: number;
  readonly frame?: number;
  readonly cycles?: number;
  readonly points?: number;
  readonly subframe?: number;
  readonly items: readonly Item[];
}

const magic = [2, 1, 4, 3, 6, 5, 8, 7];

export const join = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts));
export const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replace(/\s/g, ''), 'hex'));

function numbers(size: number, write: (view: DataView, at: number, value: number) => void) {
  return (...values: number[]): Uint8Array => {
    const bytes = new Uint8Array(size * values.length);
    const view = new DataView(bytes.buffer);
    values.forEach((value, i) => write(view, size * i, value));
    return bytes;
  };
}
export const u32 = numbers(4, (view, at, value) => view.setUint32(at, value, true));
export const i32 = numbers(4, (view, at, value) => view.setInt32(at, value, true));
export const u16 = numbers(2, (view, at, value) => view.setUint16(at, value, true));
export const i16 = numbers(2, (view, at, value) => view.setInt16(at, value, true));
export const f32 = numbers(4, (view, at, value) => view.setFloat32(at, value, true));

export function encodePacket({
  head = 40,
  version = 0x03050004,
  platform = 0xa1843,
  frame = 1,
  cycles = 0,
  points = 0,
  subframe = 0,
  items,
}: PacketOptions): Uint8Array {
  const own = head === 48 ? 8 : 0;
  const body = join(...items.map(({ type, value }) => join(u32(type, value.length + own), value)));
  const length = head === 48 ? head + body.length : Math.ceil((head + body.length) / 32) * 32;
  const bytes = new Uint8Array(length);
  bytes.set(magic);
  const start = [version, length, platform, frame];
  if (head === 48) {
    bytes.set(join(u32(...start, subframe, 100, 200, 300, 400), u16(items.length, 0)), 8);
    const view = new DataView(bytes.buffer);
    let sum = 0;
    for (let i = 0; i < 48; i += 2) sum += view.getUint16(i, true);
    view.setUint16(46, ~((sum >>> 16) + (sum & 0xffff)), true);
  } else {
    bytes.set(u32(...start, cycles, points, items.length, ...(head === 40 ? [subframe] : [])), 8);
  }
  bytes.set(body, head);
  return bytes;
}

/** The third AWR1843 profile of captures/ti, in short: 3 transmitters, 4 receivers, 256 samples, 16 loops. */
export const profileText = `% Platform:xWR18xx
dfeDataOutputMode 1
channelCfg 15 7 0
adcCfg 2 1
adcbufCfg -1 0 1 1 1
profileCfg 0 77 267 7 57.14 0 0 70 1 256 5209 0 0 30
chirpCfg 0 0 0 0 0 0 0 1
chirpCfg 1 1 0 0 0 0 0 4
chirpCfg 2 2 0 0 0 0 0 2
frameCfg 0 2 16 0 66.667 1 0
sensorStart
`;
