/** What is asked of the gateway over MQTT, and what it answers. */
import type { z } from 'zod';
import type { PlacePipe } from './place-pipe.js';
import { closest } from './suggest.js';
import { modalitiesRequest } from './topics.js';
import type { ModalitiesResponse, RequestKind } from './topics.js';

/** @param payload as it came: anything */
export function answer(
  kind: RequestKind,
  payload: string,
  places: ReadonlyMap<string, Pick<PlacePipe, 'request' | 'set'>>,
): ModalitiesResponse {
  let value: unknown;
  try {
    value = JSON.parse(payload);
  } catch (error) {
    return { status: 'error', reason: `the request is no JSON: ${(error as Error).message}` };
  }
  const bearing = { ...transactionOf(value) };
  const answers = { modalities: () => changeModalities(value, places) } satisfies Record<RequestKind, unknown>;
  return { ...bearing, ...answers[kind]() };
}

function changeModalities(
  value: unknown,
  places: ReadonlyMap<string, Pick<PlacePipe, 'request' | 'set'>>,
): ModalitiesResponse {
  const parsed = modalitiesRequest.safeParse(value);
  if (!parsed.success) return { status: 'error', reason: problems(parsed.error) };
  const { place: name, set } = parsed.data;
  const place = places.get(name);
  if (!place) {
    const known = [...places.keys()];
    const near = closest(name, known);
    const meant = near === undefined ? '' : `; did you mean '${near}'?`;
    return { status: 'error', reason: `there is no place '${name}'${meant} There are ${known.join(', ')}` };
  }
  const problem = place.request(set);
  const state = { place: name, set: place.set };
  return problem === undefined ? { status: 'ok', ...state } : { status: 'error', reason: problem, ...state };
}

/** Even what is wrong is answered to whoever asked. */
function transactionOf(value: unknown): { transaction?: string } {
  const transaction = (value as { transaction?: unknown } | null)?.transaction;
  return typeof transaction === 'string' ? { transaction: transaction.slice(0, 256) } : {};
}

function problems({ issues }: z.ZodError): string {
  return issues.map(({ path, message }) => `${path.join('.') || 'the whole'}: ${message}`).join('; ');
}
