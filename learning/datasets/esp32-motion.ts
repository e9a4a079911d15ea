/** ESP32 motion: Wi-Fi CSI of five chips in a quiet room and with somebody moving in it, 10 s each, from francescopace/espectre.
 *
 *    baseline_CHIP_….i8   packets × 128 signed bytes as the chip gives them: 64 subcarriers, imaginary part, then real
 *    movement_CHIP_….i8   with motion
 *    test_CHIP_….i8       the first half quiet, the second with motion
 *    ….json               {"label", "chip", "packets", "duration_ms", "collectedAt"}
 *
 *  The ESP32, S2, S3 and C3 give subcarriers 0 … 31, −32 … −1, the C5, C6 and C61 −32 … 31 (see drivers/wifi/esp32-layout.ts). Times of the
 *  packets were not kept: they are evenly spaced here. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { WifiFrame } from '../../drivers/frames.js';
import { DatasetError } from './dataset.js';
import type { Loaded, UnreadableFile } from './dataset.js';

const subcarriers = 64;
const bytesPerPacket = 2 * subcarriers;
const fileName = /^(baseline|movement|test)_.*\.i8$/;
const fromZeroUp = Int16Array.from({ length: subcarriers }, (_, i) => (i < 32 ? i : i - 64));
const ascending = Int16Array.from({ length: subcarriers }, (_, i) => i - 32);
const orders: Readonly<Record<string, Int16Array>> = {
  esp32: fromZeroUp, s2: fromZeroUp, s3: fromZeroUp, c3: fromZeroUp, c5: ascending, c6: ascending, c61: ascending,
}; // prettier-ignore

const description = z.object({
  label: z.string(),
  chip: z.string().refine((chip) => chip in orders, 'a chip that is not known here'),
  packets: z.int().positive(),
  duration_ms: z.number().positive(),
  collectedAt: z.iso.datetime({ local: true }),
});

export type MotionLabel = 'baseline' | 'movement' | 'test';

export interface MotionRecording {
  /** File name without its ending. */
  readonly id: string;
  readonly chip: string;
  readonly label: MotionLabel;
  /** Unix time of its end, seconds, as if the clock of the wall were UTC. */
  readonly collectedAt: number;
  readonly seconds: number;
  /** Device times from 0 on. */
  readonly frames: readonly WifiFrame[];
}

function framesOf(bytes: Int8Array, chip: string, seconds: number): WifiFrame[] {
  const order = orders[chip]!;
  const packets = bytes.length / bytesPerPacket;
  return Array.from({ length: packets }, (_, p) => {
    const csi = new Float32Array(bytesPerPacket);
    order.forEach((k, pair) => {
      const at = p * bytesPerPacket + 2 * pair;
      csi[2 * (k + 32)] = bytes[at + 1]!;
      csi[2 * (k + 32) + 1] = bytes[at]!;
    });
    // What is not 0 at the centre is the ESP32's invalid first word, which takes the next subcarrier with it.
    if (csi[64] !== 0 || csi[65] !== 0) csi.fill(0, 64, 68);
    const time = (p * seconds) / packets;
    return {
      kind: 'wifi',
      arrivalTime: time,
      deviceTime: time,
      receivers: 1,
      transmitters: 1,
      subcarriers: ascending,
      csi,
      scale: 'raw',
      bandwidth: 20e6,
    };
  });
}

/** @throws Error with what is wrong */
async function readRecording(data: string, id: string): Promise<MotionRecording> {
  const text = await readFile(join(data, `${id}.json`), 'utf8').catch(() => undefined);
  if (text === undefined) throw new Error(`${id}.json does not lie beside it`);
  const said = description.safeParse(JSON.parse(text));
  if (!said.success)
    throw new Error(`${id}.json: ${said.error.issues[0]!.path.join('.')}: ${said.error.issues[0]!.message}`);
  const { chip, packets, duration_ms, collectedAt } = said.data;
  const bytes = await readFile(join(data, `${id}.i8`));
  if (bytes.length !== packets * bytesPerPacket)
    throw new Error(`it has ${bytes.length} bytes; ${packets} packets are ${packets * bytesPerPacket}`);
  const seconds = duration_ms / 1000;
  return {
    id,
    chip,
    label: fileName.exec(`${id}.i8`)![1] as MotionLabel,
    collectedAt: Date.parse(`${collectedAt}Z`) / 1000,
    seconds,
    frames: framesOf(new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length), chip, seconds),
  };
}

/**
 * All recordings, in the order of their names.
 * @throws DatasetError if none is there
 */
export async function loadEsp32Motion(data: string): Promise<Loaded<MotionRecording>> {
  const files = (await readdir(data).catch((): string[] => [])).filter((file) => fileName.test(file)).sort();
  const recordings: MotionRecording[] = [];
  const unreadable: UnreadableFile[] = [];
  for (const file of files) {
    try {
      recordings.push(await readRecording(data, file.slice(0, -'.i8'.length)));
    } catch (error) {
      unreadable.push({ file: join(data, file), reason: error instanceof Error ? error.message : String(error) });
    }
  }
  if (recordings.length === 0)
    throw new DatasetError(
      unreadable[0]
        ? `${data}: none of ${files.length} files can be read: ${unreadable[0].reason}`
        : `${data}: no recordings here. The folder must hold baseline_CHIP_….i8, movement_CHIP_….i8 and their .json; docs/wifi-motion.md says more`,
    );
  return { recordings, unreadable };
}
