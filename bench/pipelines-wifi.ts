/** The Wi-Fi pipeline's steps, packet by packet, beside NumPy and SciPy on the whole recording at once: on one thread each, in turn. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { packageRoot } from '../daemon/package-root.js';
import type { WifiFrame } from '../drivers/frames.js';
import { createRandom } from '../learning/random.js';
import { amplitude, phase } from '../pipelines/wifi/amplitude.js';
import { createWifiFeatures } from '../pipelines/wifi/amplitude-features.js';
import { createCsiSpectrogram } from '../pipelines/wifi/csi-spectrogram.js';
import { normaliseGain } from '../pipelines/wifi/gain.js';
import { createHampel } from '../pipelines/wifi/hampel.js';
import { layoutOf } from '../pipelines/wifi/layout.js';
import { createWifiMotion } from '../pipelines/wifi/motion-pipeline.js';
import { removeLinearPhase, unwrapPhase } from '../pipelines/wifi/phase.js';
import { createInspector } from '../pipelines/wifi/quality.js';
import { createWifiSpectrogram } from '../pipelines/wifi/spectrogram-pipeline.js';
import type { StepFigure } from './pipeline-step.js';

const python = '/usr/bin/python3';
const rate = 100; // packets a second
const packets = 2000;
const samples = 128;
const hop = 16;
const halfWidth = 3;
const sigmas = 3;

/** Packets of a device in a room with noise and two reflections that move, on a uniform grid of times. */
function packetsOf(receivers: number, numbers: Int16Array): WifiFrame[] {
  const random = createRandom(1);
  return Array.from({ length: packets }, (_, p) => {
    const time = p / rate;
    const csi = new Float32Array(receivers * numbers.length * 2);
    const gain = 0.8 + 0.4 * random.uniform();
    for (let r = 0; r < receivers; r++) {
      numbers.forEach((k, i) => {
        const wave = 2 * Math.PI * ((k * 312.5e3) / 299792458) * 12;
        const walk = 9 * time + 2 * Math.sin(3 * time) + r;
        const at = 2 * (r * numbers.length + i);
        const outlier = random.uniform() < 0.01 ? 20 : 0;
        csi[at] =
          gain * (40 + 6 * Math.cos(wave + walk) + 3 * Math.cos(2 * wave - 4 * time)) + random.normal() + outlier;
        csi[at + 1] = gain * (6 * Math.sin(wave + walk) + 3 * Math.sin(2 * wave - 4 * time)) + random.normal();
      });
    }
    return {
      kind: 'wifi', arrivalTime: time, deviceTime: time, receivers, transmitters: 1, subcarriers: numbers, csi,
      scale: 'absolute', bandwidth: 20e6,
    }; // prettier-ignore
  });
}

/** NumPy in a process of its own, which does one run each time that it is asked. */
async function startNumPy(receivers: number, subcarriers: number, csi: readonly Float32Array[]) {
  if (!existsSync(python)) throw new Error(`no ${python}; sudo apt install python3 python3-numpy python3-scipy`);
  const sizes = [receivers, 1, subcarriers, packets, rate, samples, hop, halfWidth, sigmas];
  const { OPENBLAS_CORETYPE: _type, OPENBLAS_L2_SIZE: _size, ...environment } = process.env;
  const child = spawn(python, [join(packageRoot, 'bench', 'pipelines_wifi.py'), ...sizes.map(String)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...environment, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async () => {
    const { value, done } = (await lines.next()) as { value: string; done?: boolean };
    if (done) throw new Error('NumPy ended; sudo apt install python3-numpy python3-scipy');
    return JSON.parse(value) as { milliseconds: Record<string, number>; power: number; principal: number };
  };
  for (const part of csi) child.stdin.write(new Uint8Array(part.buffer));
  await read();
  return {
    run: async () => {
      child.stdin.write('\n');
      return read();
    },
    close: async () => {
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!;

/** A step over all packets: its milliseconds, and the bytes that it allocated; a collection in between makes those less. */
function measure(run: () => void): { milliseconds: number; bytes: number } {
  const before = process.memoryUsage();
  const begin = performance.now();
  run();
  const milliseconds = performance.now() - begin;
  const after = process.memoryUsage();
  return { milliseconds, bytes: after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers };
}

/** What a step does to all packets. A run goes on where the one before ended. */
function createSteps(frames: readonly WifiFrame[]) {
  const layout = layoutOf(frames[0]!)!;
  const { channels } = layout;
  const amplitudes = frames.map(() => new Float32Array(channels));
  const filtered = frames.map(() => new Float32Array(channels));
  const hampel = createHampel(channels, halfWidth, sigmas);
  const spectrogram = createCsiSpectrogram({ channels, samples, hop, rate });
  const motion = createWifiMotion();
  const phases = new Float32Array(channels);
  const inspector = createInspector();
  const features = createWifiFeatures();
  const instant = new Float32Array(90);
  let runs = 0;
  const whole = createWifiSpectrogram(
    { inputRate: rate, rate, samples, hop },
    { column: () => undefined, interrupted: () => undefined },
  );
  // The same packets again and again, at times that go on.
  const later = frames.map((frame) => ({ ...frame, deviceTime: frame.deviceTime! }));
  function forward(): void {
    for (const [p, frame] of later.entries()) frame.arrivalTime = frame.deviceTime = (runs * packets + p) / rate;
    runs++;
  }

  return {
    forward,
    /** Sums over all columns, to compare. */
    sums() {
      const sums = { power: 0, principal: 0 };
      const sumOf = (values: Float32Array) => values.reduce((sum, value) => sum + value, 0);
      spectrogram.reset();
      for (let p = 0; p < packets - halfWidth; p++) {
        if (!spectrogram.push(filtered[p]!)) continue;
        sums.power += sumOf(spectrogram.power);
        sums.principal += sumOf(spectrogram.principal);
      }
      return sums;
    },
    amplitude() {
      for (let p = 0; p < packets; p++) {
        amplitude(frames[p]!.csi, layout, amplitudes[p]!);
        normaliseGain(amplitudes[p]!, layout);
      }
    },
    hampel() {
      hampel.reset();
      let to = 0;
      for (let p = 0; p < packets; p++) if (hampel.push(amplitudes[p]!, filtered[to]!)) to++;
    },
    spectrogram() {
      spectrogram.reset();
      for (let p = 0; p < packets - halfWidth; p++) spectrogram.push(filtered[p]!);
    },
    pipeline() {
      for (let p = 0; p < packets; p++) whole.push(later[p]!);
    },
    inspector() {
      for (let p = 0; p < packets; p++) inspector.inspect(later[p]!);
    },
    phase() {
      for (let p = 0; p < packets; p++) {
        phase(frames[p]!.csi, layout, phases);
        unwrapPhase(phases, layout);
        removeLinearPhase(phases, layout);
      }
    },
    features() {
      for (let p = 0; p < packets; p++) features.take(later[p]!, instant);
    },
    motion() {
      for (let p = 0; p < packets; p++) motion.push(later[p]!);
    },
  };
}

async function measureDevice(
  name: string,
  receivers: number,
  numbers: Int16Array,
  runs: number,
): Promise<StepFigure[]> {
  const frames = packetsOf(receivers, numbers);
  const steps = createSteps(frames);
  const numPy = await startNumPy(
    receivers,
    numbers.length,
    frames.map(({ csi }) => csi),
  );
  const names = ['inspector', 'amplitude', 'phase', 'hampel', 'spectrogram', 'pipeline', 'features', 'motion'] as const;
  /** What the reading of the memory itself allocates. */
  const reading = median(Array.from({ length: 9 }, () => measure(() => undefined).bytes));
  const ours = names.map((): { milliseconds: number; bytes: number }[] => []);
  const theirs: Record<string, number>[] = [];
  for (let i = -3; i < runs; i++) {
    steps.forward();
    const own = names.map((step) => measure(() => steps[step]()));
    const other = await numPy.run();
    if (i < 0) {
      const sums = steps.sums(); // and warm-up
      for (const key of ['power', 'principal'] as const) {
        const apart = Math.abs(sums[key] / other[key] - 1);
        if (!(apart < 1e-4)) throw new Error(`${name}: NumPy's ${key} differs by ${apart}: not the same work`);
      }
      continue;
    }
    own.forEach((one, s) => ours[s]!.push(one));
    theirs.push(other.milliseconds);
  }
  await numPy.close();
  const millisecondsOfNumPy = (...of: string[]) =>
    median(theirs.map((one) => of.reduce((sum, step) => sum + one[step]!, 0)));
  const peers: Partial<Record<string, number>> = {
    amplitude: millisecondsOfNumPy('amplitude'),
    hampel: millisecondsOfNumPy('hampel'),
    spectrogram: millisecondsOfNumPy('spectrogram', 'principal'),
    pipeline: millisecondsOfNumPy('amplitude', 'hampel', 'spectrogram', 'principal'),
  };
  return names.map((step, s) => {
    const milliseconds = median(ours[s]!.map((one) => one.milliseconds));
    // Without a collection in between; a collection can only make it look like less than nothing.
    const bytes = ours[s]!.map((one) => one.bytes - reading).filter((one) => one > -1000);
    const peer = peers[step];
    return {
      step: `wifi-${step} ${name}`,
      microsecondsPerFrame: Number(((1000 * milliseconds) / packets).toFixed(3)),
      bytesAllocatedPerFrame: bytes.length === 0 ? NaN : Math.max(0, Number((Math.min(...bytes) / packets).toFixed(2))),
      ...(peer === undefined ? {} : { ratioToNumPy: Number((peer / milliseconds).toFixed(2)) }),
    };
  });
}

/** Subcarriers that an Intel 5300 gives of HT 20 MHz, those of them that are pilots moved to a neighbour so that all 30 are kept. */
const grouped = [-28, -26, -24, -22, -20, -18, -16, -14, -12, -10, -8, -6, -4, -2, -1, 1, 3, 5, 6, 9, 11, 13, 15, 17, 19, 22, 23, 25, 27, 28]; // prettier-ignore
/** An ESP32's 64 without nulls and pilots. */
const ofEsp32 = Array.from({ length: 57 }, (_, i) => i - 28).filter((k) => ![0, 7, 21].includes(Math.abs(k)));

/** Of an Intel 5300 (3 × 30 subcarriers) and an ESP32 (52 of 64), at 100 packets a second. */
export async function pipelinesWifi(runs = 20): Promise<StepFigure[]> {
  return [
    ...(await measureDevice('3 x 30', 3, Int16Array.from(grouped), runs)),
    ...(await measureDevice('1 x 52 of 64', 1, Int16Array.from(ofEsp32), runs)),
  ];
}
