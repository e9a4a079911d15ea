/**
 * Five modalities at full rate, decoded and put through their pipelines in real time, in one thread: how much of two cores do they
 * use? Devices and rates are those of the ingest benchmark; the radar's raw cubes are what the pipeline reads, the most costly of
 * its inputs. Processor time is the whole process's, with the making of the bytes, the garbage collector and the compiler.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Frame, Modality } from '../drivers/frames.js';
import { findDriver } from '../drivers/registry.js';
import { encodeParts } from '../drivers/transports/zmq.js';
import { createDepthFeatures } from '../pipelines/depth/features.js';
import type { FrameFeatures } from '../pipelines/features.js';
import { createFrameWindows } from '../pipelines/frame-windows.js';
import { createImuPipeline } from '../pipelines/imu.js';
import { createLidarFeatures } from '../pipelines/lidar/features.js';
import { createRadarCubeFeatures } from '../pipelines/radar/cube-features.js';
import { createWifiFeatures } from '../pipelines/wifi/amplitude-features.js';
import { createWindowGrid } from '../pipelines/window-grid.js';
import { encodeWitmotion } from '../room/witmotion-encoder.js';
import { dca1000DatagramsPerFrame, dca1000Profile, newDca1000Datagram, writeDca1000Datagram } from './dca1000.js';
import { dca1000Frames, depthPicture, depthSize, nexmonPacket, vlp16PacketsPerTurn, vlp16Period, vlp16Turn } from './scenes.js'; // prettier-ignore
import { processorSeconds } from './statistics.js';

const tick = 2; // ms
/** Seconds of an empty room that the depth camera and the LiDAR learn from before the time counts. */
const empty = { depth: 30, lidar: 120 };
const settle = 3;

const range = <T>(length: number, value: (k: number) => T): T[] => Array.from({ length }, (_, k) => value(k));

interface Device {
  readonly modality: Modality;
  /** Units a second: datagrams, messages or samples. */
  readonly rate: number;
  /** Units of an empty room that come first. */
  readonly learning: number;
  bytes(unit: number): Uint8Array;
  readonly driver: string;
  readonly settings: object;
  readonly files?: Readonly<Record<string, string>>;
  pipeline(grid: ReturnType<typeof createWindowGrid>, count: Count): (frame: Frame) => void;
}

interface Count {
  frames: number;
  windows: number;
  refusedWindows: number;
}

/** Of the radar of `dca1000Profile`: two transmitters two wavelengths apart beside four receivers. */
export const dca1000Cube = {
  geometry: {
    frequency: 78.1e9,
    slope: 70e12,
    sampleRate: 5.209e6,
    loopPeriod: 2 * (267 + 57.14) * 1e-6,
    transmitters: 2,
    antennas: range(8, (x) => [x, 0] as const),
  },
  shape: [64, 2, 4, 128],
  components: 2,
} as const;

function framed<F extends Frame>(
  modality: Modality,
  kind: F['kind'],
  features: FrameFeatures<F>,
  inputRate: number,
  rate: number,
) {
  return (grid: ReturnType<typeof createWindowGrid>, count: Count) => {
    const windows = createFrameWindows<F>({
      ...{ modality, sensor: modality, features, rate, inputRate, grid, sampling: 'nearest' },
      onWindow: () => count.windows++,
      onRefused: () => count.refusedWindows++,
    });
    return (frame: Frame) => {
      if (frame.kind === kind) windows.push(frame as F);
    };
  };
}

function devices(): Device[] {
  const cubes = dca1000Frames(8);
  const emptyTurns = range(8, () => vlp16Turn());
  const turns = range(40, (k) => vlp16Turn(60 + 2 * k));
  const packets = range(128, nexmonPacket);
  const emptyPictures = range(8, (k) => depthPicture(false, k, 8));
  const pictures = range(30, (k) => depthPicture(true, k, 30));
  const lidarRate = 1e6 / vlp16Period;
  const lidarLearning = Math.round(empty.lidar * lidarRate);
  const depthLearning = empty.depth * 15;
  return [
    {
      modality: 'imu', driver: 'witmotion-wt901', settings: { outputRate: 200 }, rate: 200, learning: 0,
      bytes(unit) {
        const swing = Math.sin((2 * Math.PI * 1.5 * unit) / 200);
        return encodeWitmotion({
          acceleration: [9.8 + 6 * swing, 4 * swing, 2],
          angularRate: [2 * swing, 3 * swing, 1],
          time: 1_700_000_000 + unit / 200,
        });
      },
      pipeline(grid, count) {
        const pipeline = createImuPipeline({
          ...{ sensor: 'imu', inputRate: 200, rate: 50, samples: 152, hop: 25, grid },
          onWindow: () => count.windows++,
          onRefused: () => count.refusedWindows++,
        });
        return (frame) => {
          if (frame.kind === 'imu') pipeline.push(frame);
        };
      },
    },
    {
      modality: 'wifi', driver: 'nexmon-csi', settings: { packetsPerFrame: 1, packetRate: 100 }, rate: 100, learning: 0,
      bytes(unit) {
        const packet = packets[unit % packets.length]!;
        new DataView(packet.buffer).setUint16(10, (unit << 4) & 0xffff, true);
        return packet;
      },
      pipeline: framed('wifi', 'wifi', createWifiFeatures(), 100, 50),
    },
    {
      modality: 'mmwave', driver: 'ti-dca1000', settings: { profile: 'radar.cfg', frameRate: 20 },
      files: { profile: dca1000Profile }, rate: 20 * dca1000DatagramsPerFrame, learning: 0,
      bytes: (unit) => writeDca1000Datagram(newDca1000Datagram(), cubes, unit),
      pipeline: framed('mmwave', 'radar-cube', createRadarCubeFeatures(dca1000Cube), 20, 20),
    },
    {
      modality: 'lidar', driver: 'velodyne', settings: {}, rate: lidarRate, learning: lidarLearning,
      bytes(unit) {
        const turn = Math.floor(unit / vlp16PacketsPerTurn);
        const pool = unit < lidarLearning ? emptyTurns : turns;
        const packet = pool[turn % pool.length]![unit % vlp16PacketsPerTurn]!;
        new DataView(packet.buffer).setUint32(1200, Math.round(unit * vlp16Period) % 3.6e9, true);
        return packet;
      },
      pipeline: framed('lidar', 'lidar', createLidarFeatures(), 10, 10),
    },
    {
      modality: 'depth', driver: 'depth-zmq', settings: { rate: 15 }, rate: 15, learning: depthLearning,
      bytes(unit) {
        const pool = unit < depthLearning ? emptyPictures : pictures;
        const header = { version: 1, kind: 'depth', ...depthSize, encoding: 'z16', metresPerStep: 0.001, frame: unit };
        const picture = pool[unit % pool.length]!;
        return encodeParts([Buffer.from(JSON.stringify(header)), new Uint8Array(picture.buffer)]);
      },
      pipeline: framed('depth', 'depth', createDepthFeatures(), 15, 15),
    },
  ]; // prettier-ignore
}

export async function pipelinesLive(seconds: number) {
  const grid = createWindowGrid({ length: 152 / 50, hop: 0.5 });
  const all = devices().map((device) => {
    const driver = findDriver(device.driver)!;
    const count = { frames: 0, windows: 0, refusedWindows: 0 };
    return {
      ...device,
      count,
      decoder: driver.decoder(driver.settings.parse(device.settings), device.files),
      take: device.pipeline(grid, count),
      sent: 0,
    };
  });
  type Running = (typeof all)[number];
  function send(device: Running, time: number): void {
    for (const frame of device.decoder.push(device.bytes(device.sent++), time)) {
      device.count.frames++;
      device.take(frame);
    }
  }
  // The empty room, each device's as long as it needs, ends at the time 0.
  for (const device of all) for (let k = 0; k < device.learning; k++) send(device, (k - device.learning) / device.rate);

  let now = 0;
  async function play(until: number): Promise<void> {
    const begin = performance.now() / 1000 - now;
    while (now < until) {
      now = Math.min(until, performance.now() / 1000 - begin);
      for (const device of all) {
        while (device.sent - device.learning < Math.floor(now * device.rate)) {
          send(device, (device.sent - device.learning) / device.rate);
        }
      }
      await wait(tick);
    }
  }
  await play(settle);
  const before = all.map(({ count }) => ({ ...count }));
  const used = processorSeconds();
  const begin = performance.now();
  await play(settle + seconds);
  const took = (performance.now() - begin) / 1000;
  const coresUsed = (processorSeconds() - used) / took;
  return {
    step: 'all five modalities at full rate',
    coresUsed: Number(coresUsed.toFixed(3)),
    idleShareOfTwoCores: Number((1 - coresUsed / 2).toFixed(3)),
    seconds: Number(took.toFixed(2)),
    modalities: Object.fromEntries(
      all.map(({ modality, count }, i) => [
        modality,
        {
          frames: count.frames - before[i]!.frames,
          windows: count.windows - before[i]!.windows,
          refusedWindows: count.refusedWindows - before[i]!.refusedWindows,
        },
      ]),
    ),
  };
}
