/** What the bins of a TI radar's raw samples mean, from its profile and the board's antennas.
 *
 *  Half wavelengths, seen from behind the radar: four receivers side by side; transmitters 1, 2, 3 at
 *
 *      EVM 1443, 1843, 6843 (ISK)    0     2, one higher     4
 *      EVM 1642                      0     4
 *
 *  TI SWRA554A 'MIMO Radar'; TI SWRU546 (AWR1843BOOST), SWRU517 (xWR1443BOOST), SWRU521 (AWR1642BOOST), SPRUIX6 (IWR6843ISK).
 *  Antennas on the package (AOP, ODS) stand elsewhere. */
import { parseProfile, type RadarProfile } from '../../drivers/mmwave/profile.js';
import type { RadarGeometry } from '../../pipelines/radar/geometry.js';

type Place = readonly [x: number, z: number];

const raised: readonly Place[] = [
  [0, 0],
  [2, 1],
  [4, 0],
];
const level: readonly Place[] = [
  [0, 0],
  [4, 0],
];
const transmitterPlaces: Readonly<Record<string, readonly Place[]>> = {
  xwr1243: raised,
  xwr1443: raised,
  xwr1843: raised,
  xwr6843: raised,
  xwr1642: level,
};

export interface CubeGeometry {
  readonly geometry: RadarGeometry;
  /** Undefined: angles are true, if the radar is TI's evaluation board. Else why there are none. */
  readonly noAngles?: string;
}

const indices = (mask: number) => [0, 1, 2, 3].filter((bit) => (mask >> bit) & 1);

/** Where each virtual antenna is, [transmitters, receivers]; a text says why it is not known. */
function antennas(profile: RadarProfile, board: string): Place[] | string {
  const places = transmitterPlaces[board];
  if (places === undefined) return `the antennas of ${board} are not known`;
  if (profile.platform !== undefined && /AOP|ODS/i.test(profile.platform))
    return `the antennas of ${profile.platform} are not known`;
  const found: Place[] = [];
  for (const mask of profile.subframes[0]!.chirpTransmitters) {
    const [transmitter, ...others] = indices(mask);
    if (transmitter === undefined || others.length > 0) return 'several transmitters send in one chirp';
    const place = places[transmitter];
    if (place === undefined) return `${board} has no transmitter ${transmitter + 1}`;
    for (const receiver of indices(profile.receiverMask)) found.push([place[0] + receiver, place[1]]);
  }
  return found;
}

/** @throws Error with one line, as `parseProfile` does */
export function cubeGeometry(profileText: string, board: string): CubeGeometry {
  const profile = parseProfile(profileText);
  const subframe = profile.subframes[0]!;
  const { centreFrequency, bandwidth, samples, loopTime, chirpTransmitters } = subframe;
  const line = profile.commands.findLast(({ text }) => text.startsWith('profileCfg'))!;
  const sampleRate = Number(line.text.split(/\s+/)[11]) * 1e3;
  const found = antennas(profile, board);
  const count = chirpTransmitters.length * profile.receivers;
  return {
    geometry: {
      frequency: centreFrequency,
      slope: (bandwidth * sampleRate) / samples,
      sampleRate,
      loopPeriod: loopTime,
      transmitters: chirpTransmitters.length,
      antennas: typeof found === 'string' ? Array.from({ length: count }, (_, x) => [x, 0] as const) : found,
    },
    ...(typeof found === 'string' && { noAngles: found }),
  };
}
