/** `babel-gateway grow` */
import { grow as growTrunk } from '../../learning/grow.js';
import { rememberedRows } from '../../learning/memory.js';
import { removeCheckpoint } from '../../learning/train.js';
import { findEncoders, parseFolders } from '../learning/encoders.js';
import type { PairNames } from '../learning/encoders.js';
import { finish } from '../learning/finish.js';
import { gather } from '../learning/gather.js';
import { withSession } from '../learning/session.js';
import { loadTrunkFolder } from '../learning/trunk-folder.js';
import type { PairsAbout } from '../learning/trunk-folder.js';
import { answer, checkpointOf } from './align.js';
import type { LearningOptions } from './align.js';
import { shippedTrunkDirectory } from '../../models/store.js';

export interface GrowOptions extends LearningOptions {
  new: string;
  via: string;
  trunk: string;
}

/** @throws Error with one line */
export async function grow(options: GrowOptions): Promise<void> {
  const { new: branch, via } = options;
  const folder = options.trunk === 'shipped' ? shippedTrunkDirectory() : options.trunk;
  const before = await loadTrunkFolder(folder);
  if (!before.trunk.modules.has(via))
    throw new Error(
      `${folder} has no ${via} to grow through, but ${[...before.trunk.modules.keys()].join(', ')}: name one of these with --via`,
    );
  if (branch === via) throw new Error(`--new ${branch} --via ${via}: a modality cannot be grown through itself`);
  const pair: PairNames = [branch, via];
  const encoders = await findEncoders(pair, parseFolders('--encoder', options.encoder), before.encoders);
  const started = Date.now();
  const result = await withSession(async (session) => {
    const gathered = await gather([pair], encoders, { ...options, earlier: before.about.pairs }, session);
    const { seed, threads, epochs, batch, learningRate } = options;
    const checkpoint = checkpointOf('grow', options);
    const grown = await growTrunk(before.trunk, gathered.sets[0]!, {
      ...{ branch, via, seed, threads, epochs, batch, learningRate, checkpoint, signal: session.signal },
      remembered: rememberedRows(before.memory),
      onProgress: (progress) => session.onProgress(`growth of ${branch} through ${via}`, progress),
    });
    const about = gathered.about.map((one): PairsAbout => ({ kind: 'grow', ...one }));
    const all = new Map([...before.encoders, ...encoders]);
    const pairs = [...before.about.pairs, ...about];
    const { head, memory } = before;
    const finished = await finish(grown, { ...options, encoders: all, pairs, gathered, head, memory }, session);
    removeCheckpoint(checkpoint);
    return { about, finished };
  });
  console.log(answer(options, result.about, result.finished, (Date.now() - started) / 1000));
}
