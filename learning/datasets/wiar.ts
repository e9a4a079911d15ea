/** WiAR: Guo, Wang, Liu, Lin, Wang, 'WiAR: a public dataset for WiFi-based activity recognition', IEEE Access 2019. Wi-Fi CSI of an Intel 5300
 *  with three antennas, 16 activities, about 30 packets a second, 7 to 20 s a recording.
 *
 *    PLACEMENT/csi_aA_J.dat    a log of csitool (see drivers/wifi/intel-5300.ts): activity A = 1 … 16, repetition J
 *
 *  A placement is an arrangement of devices and person, and so a session; folders within folders are one with a `/` in its name. Source: the
 *  files of github.com/linteresa/WiAR, where the folders have other names. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WifiFrame } from '../../drivers/frames.js';
import { intel5300 } from '../../drivers/wifi/intel-5300.js';
import { DatasetError } from './dataset.js';
import type { Loaded, RecordingAbout } from './dataset.js';
import { findDataset } from './files.js';

/** For the manifests of what was trained on it. */
export const wiarTerms = 'shared by its authors for research (Guo et al., IEEE Access 2019)';

/** Label of each activity; activity A of the file names is at A − 1. */
export const wiarActivities = [
  'horizontal arm wave',
  'high arm wave',
  'two hands wave',
  'high throw',
  'draw x',
  'draw tick',
  'toss paper',
  'forward kick',
  'side kick',
  'bend',
  'hand clap',
  'walk',
  'phone call',
  'drink water',
  'sit down',
  'squat',
] as const;

/** Packets of one recording. */
export interface WiarPackets {
  /** `deviceTime` and `arrivalTime` are the card's clock, seconds, unwrapped and ascending. */
  readonly frames: readonly WifiFrame[];
  /** Bytes that belonged to no record. */
  readonly skippedBytes: number;
  /** Packets that the card counted and the log does not hold. */
  readonly lost: number;
  /** Packets left out since their time is not later than that of the one before. */
  readonly dropped: number;
}

/** A recording, read when it is asked for: all of them take some 500 MB. */
export interface WiarRecording extends RecordingAbout {
  readonly repetition: number;
  /** Folder, for instance `height-60`; also the session. */
  readonly placement: string;
  readonly file: string;
  /** Rejects with an Error that begins with 'it', where the file cannot be used. */
  read(): Promise<WiarPackets>;
}

const fileName = /^(?:(.*)\/)?(csi_a(\d+)_(\d+))\.dat$/;

/** @throws Error that begins with 'it' */
function packetsOf(bytes: Uint8Array): WiarPackets {
  const decoder = intel5300.decoder(intel5300.settings.parse({}));
  let latest = -Infinity;
  let dropped = 0;
  const frames: WifiFrame[] = [];
  for (const frame of decoder.push(bytes, 0)) {
    const time = frame.deviceTime!;
    if (time <= latest) {
      dropped++;
      continue;
    }
    latest = time;
    frames.push({ ...frame, arrivalTime: time });
  }
  if (frames.length === 0) throw new Error('it holds no packet of an Intel 5300');
  const { skippedBytes, failures } = decoder.counters;
  return { frames, skippedBytes, lost: failures['lostPackets'] ?? 0, dropped };
}

/**
 * All recordings, in the order of placement, activity, repetition; none is opened, so `unreadable` is empty.
 * @param data folder of the data set, or the one that holds `wiar`
 * @throws DatasetError if none is there, or none of the placements
 */
export async function loadWiar(
  data: string,
  { placements }: { placements?: readonly string[] | undefined } = {},
): Promise<Loaded<WiarRecording>> {
  const { folder, files } = await findDataset(
    [join(data, 'wiar'), data],
    fileName,
    'no WiAR here. The folder must hold height-60/csi_a1_1.dat and so on',
  );
  const there = [...new Set(files.map(([, placement]) => placement ?? ''))];
  const recordings = files
    .map(([path, placement = '', id, activity, repetition]) => {
      const file = join(folder, path);
      return {
        id: placement ? `${placement}/${id!}` : id!,
        label: wiarActivities[Number(activity) - 1] ?? '',
        classIndex: Number(activity) - 1,
        session: placement,
        placement,
        repetition: Number(repetition),
        file,
        read: async () => packetsOf(await readFile(file)),
      };
    })
    .filter(({ label, placement }) => label !== '' && (placements?.includes(placement) ?? true));
  if (recordings.length === 0)
    throw new DatasetError(
      `${folder}: no recording of placements ${placements?.join(', ') ?? 'any'}. Placements there: ${there.join(', ')}`,
    );
  return { recordings, unreadable: [] };
}
