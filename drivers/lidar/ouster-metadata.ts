/** The metadata of an Ouster sensor: what its HTTP API (`/api/v1/sensor/metadata`) or Ouster's programs saved as JSON. It says how
 * packets are laid out and where each beam points. Two forms are about: flat (`beam_altitude_angles` at the top, firmware before 2.4)
 * and nested (`beam_intrinsics`, `lidar_intrinsics`, `lidar_data_format`, `sensor_info`).
 *
 * Source: Ouster sensor documentation, 'HTTP API Reference' (firmware 3.x) and 'TCP API' (2.0).
 */
import { z } from 'zod';
import { ousterProfileNames, type OusterProfileName } from './ouster-profiles.js';

export interface OusterSensor {
  readonly profile: OusterProfileName;
  readonly header: 'STANDARD' | 'FUSA';
  /** Beams: rows of a picture. */
  readonly rows: number;
  /** Columns of a whole turn. */
  readonly columns: number;
  readonly columnsPerPacket: number;
  /** First and last column that the sensor sends; the first may be greater. */
  readonly columnWindow: readonly [first: number, last: number];
  /** By how many columns each row is to be shifted to the right so that a column is one azimuth. */
  readonly pixelShift: readonly number[];
  /** Degrees. */
  readonly altitude: readonly number[];
  /** Degrees. */
  readonly azimuth: readonly number[];
  /** 4 × 4, row after row, millimetres. */
  readonly beamToLidar: readonly number[];
  /** 4 × 4, row after row, millimetres. */
  readonly lidarToSensor: readonly number[];
  /** Serial number, 0 if the file has none. */
  readonly serialNumber: number;
}

const count = (most: number) => z.int().min(1).max(most);
const transform = z.array(z.number()).length(16);

const format = z.object({
  columns_per_frame: count(8192),
  columns_per_packet: count(64),
  pixels_per_column: count(512),
  column_window: z.tuple([z.int().min(0), z.int().min(0)]).optional(),
  pixel_shift_by_row: z.array(z.int()).optional(),
  udp_profile_lidar: z.string().default('LEGACY'),
  header_type: z.enum(['STANDARD', 'FUSA']).optional(),
});

const beams = z.object({
  beam_altitude_angles: z.array(z.number()).min(1),
  beam_azimuth_angles: z.array(z.number()).min(1),
  lidar_origin_to_beam_origin_mm: z.number().optional(),
  beam_to_lidar_transform: transform.optional(),
});
const place = z.object({ lidar_to_sensor_transform: transform.optional() });
const identity = z.object({ prod_sn: z.coerce.number().int().min(0).catch(0).optional() });
const mode = z.object({ lidar_mode: z.string().optional() });

const flat = beams.extend({
  ...place.shape,
  ...identity.shape,
  ...mode.shape,
  data_format: format.optional(),
});
const nested = z
  .object({
    beam_intrinsics: beams,
    lidar_intrinsics: place.optional(),
    // Older firmware answers without a format with a sentence.
    lidar_data_format: z.union([format, z.string().transform(() => undefined)]).optional(),
    sensor_info: identity.optional(),
    config_params: mode.optional(),
  })
  .transform(({ beam_intrinsics, lidar_intrinsics, lidar_data_format, sensor_info, config_params }) => ({
    ...beam_intrinsics,
    ...lidar_intrinsics,
    ...sensor_info,
    ...config_params,
    data_format: lidar_data_format,
  }));

/** The sensor's axes lie above its LiDAR's, turned by half a turn; files of the first firmwares do not say so. */
const usualLidarToSensor = [-1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1, 36.18, 0, 0, 0, 1];

/** @throws Error with one line that says what is wrong with the file and what to do */
export function parseOusterMetadata(text: string): OusterSensor {
  const remedy = 'Save http://SENSOR/api/v1/sensor/metadata and give that file';
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new Error(`ouster: metadata: not JSON. ${remedy}`);
  }
  const isNested = typeof json === 'object' && json !== null && 'beam_intrinsics' in json;
  const parsed = (isNested ? nested : flat).safeParse(json);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw new Error(`ouster: metadata: ${path.join('.') || 'the file'}: ${message}. ${remedy}`);
  }
  const file = parsed.data;

  const { columns, rows, columnsPerPacket, columnWindow, pixelShift, profileName, header } = layout(file, remedy);
  const profile = ousterProfileNames.find((name) => name === profileName);
  if (profile === undefined)
    throw new Error(
      `ouster: metadata: udp_profile_lidar ${profileName} is not one that this driver reads. Set the sensor to one of ${ousterProfileNames.join(', ')}`,
    );
  for (const name of ['beam_altitude_angles', 'beam_azimuth_angles'] as const)
    if (file[name].length !== rows)
      throw new Error(`ouster: metadata: ${name} has ${file[name].length} beams, the packets ${rows}. ${remedy}`);

  const beamOrigin = file.lidar_origin_to_beam_origin_mm;
  const beamToLidar =
    file.beam_to_lidar_transform ??
    (beamOrigin === undefined ? undefined : [1, 0, 0, beamOrigin, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]);
  if (beamToLidar === undefined)
    throw new Error(`ouster: metadata: neither beam_to_lidar_transform nor lidar_origin_to_beam_origin_mm. ${remedy}`);

  return {
    profile,
    header: header ?? (profile.startsWith('FUSA') ? 'FUSA' : 'STANDARD'),
    rows,
    columns,
    columnsPerPacket,
    columnWindow,
    pixelShift,
    altitude: file.beam_altitude_angles,
    azimuth: file.beam_azimuth_angles,
    beamToLidar,
    lidarToSensor: file.lidar_to_sensor_transform ?? usualLidarToSensor,
    serialNumber: file.prod_sn ?? 0,
  };
}

function layout(file: z.infer<typeof flat>, remedy: string) {
  const rows = file.data_format?.pixels_per_column ?? file.beam_altitude_angles.length;
  // '1024x10': columns by turns a second.
  const columns = file.data_format?.columns_per_frame ?? Number(/^(\d+)x\d+$/.exec(file.lidar_mode ?? '')?.[1]);
  if (!(columns >= 1 && columns <= 8192))
    throw new Error(`ouster: metadata: neither a data format nor a lidar_mode such as 1024x10. ${remedy}`);
  const columnsPerPacket = file.data_format?.columns_per_packet ?? 16;
  if (columns % columnsPerPacket !== 0)
    throw new Error(`ouster: metadata: ${columns} columns do not fill packets of ${columnsPerPacket}. ${remedy}`);
  const columnWindow = file.data_format?.column_window ?? [0, columns - 1];
  if (Math.max(...columnWindow) >= columns)
    throw new Error(`ouster: metadata: column_window ${columnWindow.join(' to ')} of ${columns} columns. ${remedy}`);
  // A beam that looks ahead by its azimuth sees a place that many columns before its neighbours do.
  const pixelShift =
    file.data_format?.pixel_shift_by_row ??
    file.beam_azimuth_angles.map((degrees) => Math.round((degrees * columns) / 360));
  if (pixelShift.length !== rows)
    throw new Error(
      `ouster: metadata: pixel_shift_by_row has ${pixelShift.length} rows, the packets ${rows}. ${remedy}`,
    );
  return {
    columns,
    rows,
    columnsPerPacket,
    columnWindow,
    pixelShift,
    profileName: file.data_format?.udp_profile_lidar ?? 'LEGACY',
    header: file.data_format?.header_type,
  };
}
