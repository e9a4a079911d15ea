/** What is asked of the gateway over MQTT, and what it answers. */
import type { Teach } from './live-teaching.js';
import type { PlacePipe } from './place-pipe.js';
import type { Installer } from './model-install.js';
import type { PlainModelRequest } from './model-requests.js';
import { problems } from './request-problems.js';
import { closest } from './suggest.js';
import { largestRequest, modalitiesRequest, modelRequest, teachRequest } from './topics.js';
import type { ModalitiesResponse, ModelResponse, RequestKind, TeachResponse } from './topics.js';

type AskedPlace = Pick<PlacePipe, 'request' | 'set' | 'recent'>;

export interface RequestHandlers {
  readonly places: ReadonlyMap<string, AskedPlace>;
  /** Rejects with a ModelError. */
  readonly model: (request: PlainModelRequest) => Promise<ModelResponse>;
  readonly install: Installer['install'];
  readonly teach: Teach;
}

/** @param payload as it came: anything */
export async function answer(
  kind: RequestKind,
  payload: Uint8Array,
  handlers: RequestHandlers,
): Promise<ModalitiesResponse | ModelResponse | TeachResponse> {
  // What is so long is read elsewhere: here it would hold up the labels.
  if (payload.length > largestRequest) {
    if (kind === 'model') return handlers.install(payload);
    return {
      status: 'error',
      reason: `the request has ${payload.length} bytes, more than the ${largestRequest} allowed`,
    };
  }
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(payload).toString());
  } catch (error) {
    return { status: 'error', reason: `the request is no JSON: ${(error as Error).message}` };
  }
  const answers = {
    modalities: () => changeModalities(value, handlers.places),
    model: () => changeModel(value, payload, handlers),
    teach: () => teachPlace(value, handlers),
  } satisfies Record<RequestKind, unknown>;
  return { ...transactionOf(value), ...(await answers[kind]()) };
}

async function changeModel(
  value: unknown,
  payload: Uint8Array,
  { model, install }: Pick<RequestHandlers, 'model' | 'install'>,
): Promise<ModelResponse> {
  const parsed = modelRequest.safeParse(value);
  if (!parsed.success) return { status: 'error', reason: problems(parsed.error) };
  if (parsed.data.action === 'install') return install(payload);
  try {
    return await model(parsed.data);
  } catch (error) {
    return { status: 'error', reason: (error as Error).message };
  }
}

function changeModalities(value: unknown, places: RequestHandlers['places']): ModalitiesResponse {
  const parsed = modalitiesRequest.safeParse(value);
  if (!parsed.success) return { status: 'error', reason: problems(parsed.error) };
  const { place: name, set } = parsed.data;
  const place = places.get(name);
  if (!place) return { status: 'error', reason: noPlace(name, places) };
  const problem = place.request(set);
  const state = { place: name, set: place.set };
  return problem === undefined ? { status: 'ok', ...state } : { status: 'error', reason: problem, ...state };
}

async function teachPlace(value: unknown, { places, teach }: RequestHandlers): Promise<TeachResponse> {
  const parsed = teachRequest.safeParse(value);
  if (!parsed.success) return { status: 'error', reason: problems(parsed.error) };
  const { place: name } = parsed.data;
  const place = places.get(name);
  if (!place) return { status: 'error', reason: noPlace(name, places) };
  try {
    return { status: 'ok', ...(await teach(parsed.data, place.recent)) };
  } catch (error) {
    return { status: 'error', reason: (error as Error).message };
  }
}

function noPlace(name: string, places: RequestHandlers['places']): string {
  const known = [...places.keys()];
  const near = closest(name, known);
  const meant = near === undefined ? '' : `; did you mean '${near}'?`;
  return `there is no place '${name}'${meant} There are ${known.join(', ')}`;
}

/** Even what is wrong is answered to whoever asked. */
function transactionOf(value: unknown): { transaction?: string } {
  const transaction = (value as { transaction?: unknown } | null)?.transaction;
  return typeof transaction === 'string' ? { transaction: transaction.slice(0, 256) } : {};
}
