/** What is asked of the gateway over MQTT, and what it answers. */
import type { z } from 'zod';
import type { PlacePipe } from './place-pipe.js';
import { closest } from './suggest.js';
import { modalitiesRequest, modelRequest } from './topics.js';
import type { ModalitiesResponse, ModelRequest, ModelResponse, RequestKind } from './topics.js';

export interface RequestHandlers {
  readonly places: ReadonlyMap<string, Pick<PlacePipe, 'request' | 'set'>>;
  /** Rejects with a ModelError. */
  readonly model: (request: ModelRequest) => Promise<ModelResponse>;
}

/** @param payload as it came: anything */
export async function answer(
  kind: RequestKind,
  payload: string,
  handlers: RequestHandlers,
): Promise<ModalitiesResponse | ModelResponse> {
  let value: unknown;
  try {
    value = JSON.parse(payload);
  } catch (error) {
    return { status: 'error', reason: `the request is no JSON: ${(error as Error).message}` };
  }
  const answers = {
    modalities: () => changeModalities(value, handlers.places),
    model: () => changeModel(value, handlers.model),
  } satisfies Record<RequestKind, unknown>;
  return { ...transactionOf(value), ...(await answers[kind]()) };
}

async function changeModel(value: unknown, handle: RequestHandlers['model']): Promise<ModelResponse> {
  const parsed = modelRequest.safeParse(value);
  if (!parsed.success) return { status: 'error', reason: problems(parsed.error) };
  try {
    return await handle(parsed.data);
  } catch (error) {
    return { status: 'error', reason: (error as Error).message };
  }
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
