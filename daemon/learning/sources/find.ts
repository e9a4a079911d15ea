/** Which data set has windows of the asked-for sensors. */
import { windowShape } from '../../../models/manifest.js';
import type { Manifest } from '../../../models/manifest.js';
import { windowShape as encoderShape } from '../../../models/towers/encoder.js';
import type { Encoder } from '../../../models/towers/encoder.js';
import { mmwavePointsEncoder } from '../../../models/towers/mmwave-points.js';
import { wifiGruEncoder } from '../../../models/towers/wifi-gru.js';
import { pairedEncoders } from '../../../learning/pretrain-paired.js';
import type { Encoders } from '../encoders.js';
import { marsNames, marsSource } from './mars.js';
import { radharSource } from './radhar.js';
import type { SourceRequest, WindowSource } from './source.js';
import { utdMhadNames, utdMhadSource } from './utd-mhad.js';
import { wiarSource } from './wiar.js';

interface Entry {
  readonly dataset: string;
  /** Recorded at the same moments. */
  readonly names: readonly string[];
  readonly open: (request: SourceRequest) => Promise<WindowSource>;
  /** Subjects, where nobody says others. */
  readonly protocol?: Protocol;
}

export interface Protocol {
  readonly train: readonly number[];
  readonly test: readonly number[];
}

/** In the order in which they are looked through. */
const entries: readonly Entry[] = [
  {
    dataset: 'utd-mhad',
    names: utdMhadNames,
    open: utdMhadSource,
    protocol: { train: [1, 3, 5, 7], test: [2, 4, 6, 8] },
  },
  { dataset: 'mars', names: marsNames, open: marsSource, protocol: { train: [2, 3, 4], test: [1] } },
  { dataset: 'radhar', names: ['mmwave'], open: radharSource },
  { dataset: 'wiar', names: ['wifi'], open: wiarSource },
];

const encoders: Readonly<Record<string, Encoder>> = {
  ...pairedEncoders,
  mmwave: mmwavePointsEncoder,
  wifi: wifiGruEncoder,
};

/** Data sets make the windows of the gateway's own encoders. @throws Error with one line if another encoder reads others */
function checkWindows(names: readonly string[], given: Encoders): void {
  for (const name of names) {
    const own = encoders[name]!;
    const manifest: Manifest = given.get(name)!.manifest;
    const shape = windowShape(manifest);
    if (manifest.window.rate === own.window.rate && String(shape) === String(encoderShape(own))) continue;
    throw new Error(
      `the encoder of ${name} reads [${shape.join(', ')}] at ${manifest.window.rate} Hz, the data set's windows are [${encoderShape(own).join(', ')}] at ` +
        `${own.window.rate} Hz: give an encoder of such windows, or align it on recordings of your own (--recordings)`,
    );
  }
}

/** Names that are connected by pairs, each set of them to be recorded together. */
export function connected(pairs: readonly (readonly [string, string])[]): string[][] {
  const sets: Set<string>[] = [];
  for (const pair of pairs) {
    const touched = sets.filter((set) => pair.some((name) => set.has(name)));
    const joined = new Set([...touched.flatMap((set) => [...set]), ...pair]);
    for (const set of touched) sets.splice(sets.indexOf(set), 1);
    sets.push(joined);
  }
  return sets.map((set) => [...set]);
}

/** The usual split of the data set that has all of them. */
export const protocolOf = (wanted: readonly string[]): Protocol | undefined =>
  entries.find(({ names }) => wanted.every((name) => names.includes(name)))?.protocol;

/** @throws Error with one line if no data set has them at the same moments; DatasetError if it is not there */
export async function pairedSource(given: Encoders, request: SourceRequest): Promise<WindowSource> {
  const found = entries.find(({ names }) => request.names.every((name) => names.includes(name)));
  if (!found) {
    const known = entries.filter(({ names }) => names.length > 1);
    throw new Error(
      `no data set has ${request.names.join(' and ')} of the same moments (${known.map(({ dataset, names }) => `${dataset}: ${names.join(', ')}`).join('; ')}): ` +
        'take recordings of your own (--recordings), or pair by label (--by-label)',
    );
  }
  checkWindows(request.names, given);
  return atLeastOne(await found.open(request));
}

/** Of one sensor, for pairs by label; for radar the data set with movements that others have too. */
export async function labelledSource(given: Encoders, request: SourceRequest): Promise<WindowSource> {
  const [name] = request.names;
  const found = entries.find(
    (entry) => entry.names.includes(name!) && !(name === 'mmwave' && entry.dataset === 'mars'),
  );
  if (!found) throw new Error(`there is no data set of ${name!} with labels here (docs/datasets.md)`);
  checkWindows(request.names, given);
  return atLeastOne(await found.open(request));
}

function atLeastOne(source: WindowSource): WindowSource {
  if (source.rows.length > 0) return source;
  throw new Error(`${source.title}: no recording is as long as the encoders' windows`);
}
