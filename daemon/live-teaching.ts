/** `teach` in the running gateway: the last seconds of a place become a class of the towers that saw them.
 *
 *    recent windows ─▶ those of the stretch, and others ─▶ a child: one more column ─▶ the model store ─▶ activated, tower by tower */
import { randomUUID } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Modality } from '../drivers/frames.js';
import { monotonicSeconds } from '../drivers/transports/transport.js';
import type { Example } from '../learning/teach.js';
import type { Inference } from '../models/inference.js';
import { ModelError } from '../models/manifest.js';
import { inChild } from './child.js';
import type { Config } from './config.js';
import { inStretch, slack, someOf } from './learning/stretch.js';
import type { Lesson } from './learning/teach-tower.js';
import { storeOf, unfinished } from './model-choice.js';
import type { PlainModelRequest } from './model-requests.js';
import { oneByOne } from './one-by-one.js';
import { keptFor } from './recent-windows.js';
import type { RecentWindow } from './recent-windows.js';
import type { ModelResponse, TeachRequest, TeachResponse } from './topics.js';
import { towerDirectory } from './towers.js';

/** What the parent sends to `teach-child.js`. */
export interface TeachOrder {
  /** Of the tower that learns. */
  readonly directory: string;
  /** For the one that knows more; empty. */
  readonly output: string;
  /** Of the new tower. */
  readonly name: string;
  readonly label: string;
  readonly examples: readonly Example[];
}
export type TeachReply =
  { readonly kind: 'taught'; readonly lesson: Lesson } | { readonly kind: 'refused'; readonly reason: string };

export interface LiveTeachingOptions {
  readonly config: Pick<Config, 'models' | 'dataDirectory'>;
  readonly inference: Pick<Inference, 'towers'>;
  /** Rejects with a ModelError. */
  readonly model: (request: PlainModelRequest) => Promise<ModelResponse>;
  /** Seconds, as the windows' times. */
  readonly now?: () => number;
}

/** A tower's share of a lesson. */
interface Share {
  readonly modality: Modality;
  readonly shots: readonly Example[];
  readonly others: readonly Example[];
}

/** Seconds that a tower may take to learn. */
const limit = 60;

/** @param windows of the place, the oldest first. @throws Error with one line that says why nothing was taught; then all stays as it is */
export type Teach = (
  request: Omit<TeachRequest, 'transaction'>,
  windows: readonly RecentWindow[],
) => Promise<Pick<TeachResponse, 'place' | 'label' | 'taught'>>;

export function createLiveTeaching(options: LiveTeachingOptions): Teach {
  const { now = monotonicSeconds } = options;
  // The next lesson begins with what the one before has taught.
  const teachNext = oneByOne(teachAll);
  // What the windows of now are is found now, not when its turn comes.
  return async (request, windows) => teachNext(request, sharesOf(request, windows, now(), options), options);
}

/** @throws Error with one line if there is nothing to learn from */
function sharesOf(
  { place, seconds, ago, sensor: only, rest }: Omit<TeachRequest, 'transaction'>,
  windows: readonly RecentWindow[],
  now: number,
  { inference: { towers } }: LiveTeachingOptions,
): Share[] {
  if (seconds + ago > keptFor)
    throw new ModelError(`only the last ${keptFor} s are kept: seconds and ago together must not be more`);
  const longest = Math.max(...[...towers.values()].map(({ manifest: { window } }) => window.samples / window.rate));
  if (seconds + 2 * slack < longest)
    throw new ModelError(
      `seconds ${seconds}: the towers read windows of ${longest.toFixed(2)} s; name a longer stretch`,
    );
  const stretch = { from: now - ago - seconds, seconds };
  const shares: Share[] = [];
  let still = 0;
  for (const [modality, { manifest }] of towers) {
    const shots: Example[] = [];
    const others: Example[] = [];
    for (const window of windows) {
      if (window.modality !== modality || (only !== undefined && window.sensor !== only)) continue;
      if (window.encoder !== manifest.files.encoder.sha256) continue;
      const where = inStretch(window, stretch);
      const { embedding } = window;
      if (embedding === 'still') still += where === 'inside' ? 1 : 0;
      else if (where === 'inside') shots.push({ label: '', embedding });
      else if (where === 'outside' && rest === 'other') others.push({ label: null, embedding });
    }
    if (shots.length > 0) shares.push({ modality, shots, others: someOf(others) });
  }
  if (shares.length > 0) return shares;
  const when = `${place}, ${seconds} s up to ${ago === 0 ? 'now' : `${ago} s ago`}`;
  throw new ModelError(
    still > 0
      ? `${when}: the sensors were at rest; the gateway calls that still without a model`
      : `${when}: no ${only === undefined ? 'sensor of the place' : `sensor '${only}'`} gave a whole window; ` +
          `babel/<gateway>/${place}/activity says what is absent, and why`,
  );
}

async function teachAll(
  { place, label }: Omit<TeachRequest, 'transaction'>,
  shares: readonly Share[],
  { config, model }: LiveTeachingOptions,
): Promise<Pick<TeachResponse, 'place' | 'label' | 'taught'>> {
  const store = storeOf(config.dataDirectory);
  const made: { modality: Modality; name: string }[] = [];
  const active: Modality[] = [];
  const taught: NonNullable<TeachResponse['taught']> = {};
  try {
    for (const { modality, shots, others } of shares) {
      const name = `${modality}-taught-${randomUUID().slice(0, 8)}`;
      const output = join(store, `${unfinished}${name}`);
      const examples = [...shots.map((shot) => ({ ...shot, label })), ...others];
      const directory = towerDirectory(config, modality);
      // It runs, so it came from somewhere; its folder may be gone by now.
      if (directory === undefined) throw new ModelError(`the running tower of ${modality} lies in no folder any more`);
      const order: TeachOrder = { directory, output, name, label, examples };
      try {
        const { classes } = await lessonOf(order);
        await rename(output, join(store, name));
        made.push({ modality, name });
        taught[modality] = { model: name, shots: shots.length, others: others.length, classes: classes.length };
      } finally {
        await rm(output, { recursive: true, force: true });
      }
    }
    for (const { modality, name } of made) {
      await model({ action: 'activate', model: name });
      active.push(modality);
    }
  } catch (error) {
    for (const modality of active) await model({ action: 'rollback', modality }).catch(() => undefined);
    for (const { name } of made) await rm(join(store, name), { recursive: true, force: true });
    throw error;
  }
  return { place, label, taught };
}

async function lessonOf(order: TeachOrder): Promise<Lesson> {
  const reply = await inChild<TeachReply>({
    ...{ script: new URL('./teach-child.js', import.meta.url), order, limit },
    what: `teaching the tower in ${order.directory}`,
    crashed: 'its files may be damaged',
  });
  if (reply.kind === 'refused') throw new ModelError(reply.reason);
  return reply.lesson;
}
