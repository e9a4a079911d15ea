/** WiAR: Wi-Fi of 16 activities, for pairs by label. Odd repetitions only: the even ones are what suites test on. */
import { createHash } from 'node:crypto';
import type { UnreadableFile } from '../../../learning/datasets/dataset.js';
import { loadWiar, wiarTerms } from '../../../learning/datasets/wiar.js';
import { createRandom, mixSeeds } from '../../../learning/random.js';
import { csiInstants } from '../../../learning/wifi-tower.js';
import { wifiWindow } from '../../../models/towers/wifi-gru.js';
import type { SourceRequest, WindowSource } from './source.js';

const { samples, hop } = wifiWindow;
const size = wifiWindow.instant[0] * wifiWindow.instant[1];

/** @throws DatasetError if no recording is there */
export async function wiarSource({ data, names, seed, onProgress }: SourceRequest): Promise<WindowSource> {
  const loaded = await loadWiar(data);
  const recordings = loaded.recordings.filter(({ repetition }) => repetition % 2 === 1);
  const hash = createHash('sha256').update(`${seed}`);
  const unreadable: UnreadableFile[] = [];
  const streams: Float32Array[] = [];
  for (const [i, recording] of recordings.entries()) {
    const { id, file } = recording;
    const instants = await recording.read().then(
      ({ frames }) => csiInstants(frames),
      (error: unknown) => {
        unreadable.push({ file, reason: (error as Error).message });
        return new Float32Array();
      },
    );
    hash.update(id).update(instants);
    streams.push(instants);
    onProgress?.('recordings of WiAR', i + 1, recordings.length);
  }
  const countOf = (stream: Float32Array) => stream.length / size;
  const rows = recordings.flatMap(({ id, label }, group) =>
    Array.from({ length: Math.max(0, Math.floor((countOf(streams[group]!) - samples) / hop) + 1) }, (_, window) => ({
      recording: id,
      ...{ label, group, window },
    })),
  );
  return {
    title: 'WiAR, odd repetitions',
    dataset: 'wiar',
    terms: wiarTerms,
    ...{ names, rows, unreadable },
    digest: hash.digest('hex'),
    write(row, version, out) {
      const { group, window } = rows[row]!;
      const random = createRandom(mixSeeds(seed, 31, row, version));
      const moved = version === 0 ? 0 : Math.round(hop * (random.uniform() - 0.5));
      const from = Math.max(0, Math.min(countOf(streams[group]!) - samples, window * hop + moved));
      out[names[0]!]!.set(streams[group]!.subarray(from * size, (from + samples) * size));
    },
  };
}
