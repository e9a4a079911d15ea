/** Samples of a radar that looks at point targets, from the paths of the waves alone; shares no code with the pipeline. */
import type { RadarCubeFrame } from '../../../drivers/frames.js';
import type { Random } from '../../../learning/random.js';
import type { RadarGeometry } from '../../../pipelines/radar/geometry.js';

const c = 299792458;

export interface Echo {
  /** Metres, in the middle of the frame. */
  range: number;
  /** m/s, away. */
  velocity: number;
  /** Radians. */
  azimuth: number;
  elevation?: number;
  /** Converter's steps. */
  amplitude: number;
}

export interface EchoRadar {
  geometry: RadarGeometry;
  shape: RadarCubeFrame['shape'];
  /** [transmitters][x, z], [receivers][x, z] half wavelengths */
  transmitters: [number, number][];
  receivers: [number, number][];
}

/** Three transmitters of four places each beside four receivers: 12 virtual antennas in a row, or the middle transmitter one
 * half wavelength higher. 77 GHz, 60 MHz/µs, 10 million samples a second, a chirp each 60 µs. */
export function echoRadar(raised: 0 | 1 = 0): EchoRadar {
  const transmitters: [number, number][] = [
    [0, 0],
    [4, raised],
    [8, 0],
  ];
  const receivers: [number, number][] = [0, 1, 2, 3].map((x) => [x, 0]);
  return {
    geometry: {
      frequency: 77e9,
      slope: 60e12,
      sampleRate: 10e6,
      loopPeriod: 180e-6,
      transmitters: 3,
      antennas: transmitters.flatMap(([x, z]) => receivers.map(([dx, dz]) => [x + dx, z + dz] as const)),
    },
    shape: [64, 3, 4, 256],
    transmitters,
    receivers,
  };
}

/** The mixer's e^(2πi (f₀ τ + S τ t − S τ²/2)) for the delay τ of the path transmitter – target – receiver, rounded. */
export function echoes(radar: EchoRadar, targets: readonly Echo[], noise: number, random: Random): RadarCubeFrame {
  const { geometry, shape } = radar;
  const { frequency, slope, sampleRate, loopPeriod } = geometry;
  const [chirps, transmitters, receivers, samples] = shape;
  const startFrequency = frequency - (slope * samples) / 2 / sampleRate;
  const half = c / frequency / 2;
  const chirpPeriod = loopPeriod / transmitters;
  const middle = (chirps / 2) * loopPeriod + ((transmitters - 1) / 2) * chirpPeriod + samples / 2 / sampleRate;
  const sums = new Float64Array(chirps * transmitters * receivers * samples * 2);
  for (const { range, velocity, azimuth, elevation = 0, amplitude } of targets) {
    const direction = [
      Math.sin(azimuth) * Math.cos(elevation),
      Math.cos(azimuth) * Math.cos(elevation),
      Math.sin(elevation),
    ] as const;
    const path = (distance: number, [x, z]: readonly [number, number]) =>
      Math.hypot(distance * direction[0] - x * half, distance * direction[1], distance * direction[2] - z * half);
    let at = 0;
    for (let chirp = 0; chirp < chirps; chirp++) {
      for (let t = 0; t < transmitters; t++) {
        const start = chirp * loopPeriod + t * chirpPeriod;
        for (let r = 0; r < receivers; r++) {
          // The path's change within a chirp is linear to far below a wavelength.
          const delayAt = (time: number) => {
            const distance = range + velocity * (time - middle);
            return (path(distance, radar.transmitters[t]!) + path(distance, radar.receivers[r]!)) / c;
          };
          const delay0 = delayAt(start);
          const delayStep = (delayAt(start + samples / sampleRate) - delay0) / samples;
          for (let n = 0; n < samples; n++) {
            const delay = delay0 + n * delayStep;
            const phase = startFrequency * delay + slope * delay * (n / sampleRate - delay / 2);
            const turn = 2 * Math.PI * (phase - Math.floor(phase));
            sums[at++]! += amplitude * Math.cos(turn);
            sums[at++]! += amplitude * Math.sin(turn);
          }
        }
      }
    }
  }
  if (noise > 0) for (let i = 0; i < sums.length; i++) sums[i]! += noise * random.normal();
  const data = Int16Array.from(sums, (value) => Math.round(value));
  return { kind: 'radar-cube', arrivalTime: 0, shape, components: 2, data, missing: 0 };
}
