/** The peer of the Velodyne driver: @foxglove/velodyne-cloud, as its README uses it. */
import { Calibration, Model, PointCloud, RawPacket, Transformer } from '@foxglove/velodyne-cloud';

const calibration = new Calibration(Model.VLP16);
const packetsPerTurn = 76;

/** Point clouds with x, y, z, intensity, ring and time of each point, one a turn. @returns the points */
export function foxgloveTurns(packets: readonly Uint8Array[]): number {
  // Every return, as our driver gives them.
  const transformer = new Transformer(calibration, { minRange: 1e-6, maxRange: Infinity });
  let points = 0;
  for (let turn = 0; turn < packets.length; turn += packetsPerTurn) {
    const cloud = new PointCloud({ stamp: 0, maxPoints: packetsPerTurn * RawPacket.MAX_POINTS_PER_PACKET });
    for (const one of packets.slice(turn, turn + packetsPerTurn)) transformer.unpack(new RawPacket(one), 0, 0, cloud);
    cloud.trim();
    points += cloud.width;
  }
  return points;
}
