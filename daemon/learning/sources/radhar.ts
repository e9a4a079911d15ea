/** RadHAR: radar points of five exercises, for pairs by label. */
import { createHash } from 'node:crypto';
import { loadRadhar } from '../../../learning/datasets/radhar.js';
import { pointInstants } from '../../../learning/radar-tower.js';
import { createRandom, mixSeeds } from '../../../learning/random.js';
import { mmwavePointsEncoder } from '../../../models/towers/mmwave-points.js';
import type { SourceRequest, WindowSource } from './source.js';

const { rate, samples } = mmwavePointsEncoder.window;
const hop = rate; // instants

/** @throws DatasetError if no recording is there */
export async function radharSource({ data, names, seed }: SourceRequest): Promise<WindowSource> {
  const loaded = await loadRadhar(data);
  const recordings = loaded.recordings.filter(({ half }) => half === 'Train');
  const hash = createHash('sha256').update(`${seed}`);
  const streams = recordings.map(({ id, frames }) => {
    const instants = pointInstants(frames);
    hash.update(id).update(instants);
    return instants;
  });
  const size = mmwavePointsEncoder.window.instant.reduce((product, length) => product * length, 1);
  const countOf = (stream: Float32Array) => stream.length / size;
  const rows = recordings.flatMap(({ id, label }, group) =>
    Array.from({ length: Math.max(0, Math.floor((countOf(streams[group]!) - samples) / hop) + 1) }, (_, window) => ({
      recording: id,
      ...{ label, group, window },
    })),
  );
  return {
    title: 'RadHAR, training half',
    dataset: 'radhar',
    terms: 'BSD 3-clause (Singh, Sandha, Garcia, Srivastava, mmNets 2019)',
    ...{ names, rows, unreadable: loaded.unreadable },
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
