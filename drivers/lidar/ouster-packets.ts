/** How an Ouster packet is laid out, and readers of its headers.
 *
 *     [packet header 32]  columns × ( TT TT TT TT TT TT TT TT  MM MM  SS SS  pixels )  [packet footer 32]        eUDP profiles
 *         STANDARD header   01 00  FF FF  II II II  NN NN NN NN NN …     packet type 1, frame, initialisation, serial number 40 bits
 *         FUSA header       01  II II II  FF FF FF FF  … (byte 11) NN NN NN NN NN
 *
 *     columns × ( TT × 8  MM MM  FF FF  EE EE EE EE  pixels  SS SS SS SS )                                        LEGACY
 *
 *         T  time, ns, uint64          M  measurement id: column of the turn     F  frame id     E  encoder count
 *         S  status; bit 0: the column is valid
 *
 * Source: Ouster sensor documentation, 'Lidar Data Packet Format' (eUDP, FUSA and LEGACY).
 */
import type { OusterSensor } from './ouster-metadata.js';
import { ousterProfiles, type OusterProfile } from './ouster-profiles.js';

export interface OusterLayout {
  readonly profile: OusterProfile;
  readonly kind: 'STANDARD' | 'FUSA' | 'LEGACY';
  readonly packetLength: number;
  readonly packetHeader: number;
  readonly columnLength: number;
  readonly columnHeader: number;
  /** Byte of the column where its status is. */
  readonly status: number;
}

export function ousterLayout({
  profile: name,
  header,
  rows,
  columnsPerPacket,
}: Pick<OusterSensor, 'profile' | 'header' | 'rows' | 'columnsPerPacket'>): OusterLayout {
  const profile = ousterProfiles[name];
  const legacy = name === 'LEGACY';
  const packetHeader = legacy ? 0 : 32;
  const columnHeader = legacy ? 16 : 12;
  const pixels = rows * profile.pixelLength;
  const columnLength = columnHeader + pixels + (legacy ? 4 : 0);
  return {
    profile,
    kind: legacy ? 'LEGACY' : header,
    packetLength: 2 * packetHeader + columnsPerPacket * columnLength,
    packetHeader,
    columnLength,
    columnHeader,
    status: legacy ? columnHeader + pixels : 10,
  };
}

/** The packet's header; a LEGACY packet has the frame only. */
export function packetHeader(view: DataView, { kind }: OusterLayout): { type: number; frame: number; serial: number } {
  const serial = (at: number) => view.getUint32(at, true) + view.getUint8(at + 4) * 2 ** 32;
  if (kind === 'LEGACY') return { type: 1, frame: view.getUint16(10, true), serial: 0 };
  if (kind === 'FUSA') return { type: view.getUint8(0), frame: view.getUint32(4, true), serial: serial(11) };
  return { type: view.getUint16(0, true), frame: view.getUint16(2, true), serial: serial(7) };
}

export const columnTime = (view: DataView, column: number) => view.getBigUint64(column, true);
export const measurementId = (view: DataView, column: number) => view.getUint16(column + 8, true);
export const columnStatus = (view: DataView, column: number, { kind, status }: OusterLayout) =>
  kind === 'LEGACY' ? view.getUint32(column + status, true) : view.getUint16(column + status, true);
