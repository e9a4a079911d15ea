/**
 * On which provider each tower runs: the fastest of those that the configuration names and that compute what the CPU computes.
 *
 * A GPU's driver may crash or hang, and would take the gateway with it; so providers other than the CPU are tried in child processes
 * with a time limit (without a GPU: about 0.3 s, all providers at once). Only where several serve they are measured, one after the
 * other, so that none slows another down.
 */
import { fork } from 'node:child_process';
import type { TowerOrder } from './inference-messages.js';
import { ModelError } from './manifest.js';
import { reasons } from './providers.js';
import type { PassedOver, Provider } from './providers.js';
import type { Tower } from './store.js';

export type ToProbe =
  | { readonly kind: 'try'; readonly provider: Provider; readonly towers: readonly Tower[]; readonly threads: number }
  | { readonly kind: 'measure' };

/** One message a tower, in their order. */
export type FromProbe =
  /** With the reason why it does not serve, if so. */
  | { readonly kind: 'tried'; readonly reason?: string | undefined }
  /** Median of one window on the provider and on the CPU; absent where it does not serve. */
  | { readonly kind: 'measured'; readonly milliseconds?: number; readonly cpu?: number };

export interface ProbeOptions {
  /** Seconds that one tower may take to be opened and tried, or to be measured; default 10. */
  readonly limit?: number;
  /** The child's code; another one in tests. */
  readonly script?: URL;
}

export interface Probe {
  /** For each tower the reason why it does not run there, or `undefined`. */
  readonly tried: Promise<readonly (string | undefined)[]>;
  /** To be called once, after `tried`: for each tower both times, or the reason why there are none. */
  measure(): Promise<readonly Measured[] | string>;
  end(): void;
}
type Measured = Extract<FromProbe, { kind: 'measured' }>;

/** Tries a provider with each tower in a child process. A crash or a hang counts against all of them. */
export function startProbe(
  provider: Provider,
  towers: readonly Tower[],
  threads = 1,
  { limit = 10, script = new URL('./provider-probe.js', import.meta.url) }: ProbeOptions = {},
): Probe {
  // onnxruntime and drivers print what they miss; it is kept from the gateway's own output.
  const child = fork(script, {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    execArgv: [],
  });
  let failure: string | undefined;
  let onChange: () => void = () => undefined;
  const fail = (reason: string) => {
    failure ??= reason;
    child.kill('SIGKILL');
    onChange();
  };
  const replies: FromProbe[] = [];
  child.on('message', (reply) => {
    replies.push(reply as FromProbe);
    onChange();
  });
  child.on('error', (error) => fail(`it could not be tried (${error.message})`));
  child.on('exit', (code, signal) => fail(`the process that tried it crashed (${signal ?? `exit code ${code}`})`));

  /** Asks, and waits for one reply a tower. @returns the failure if there are fewer */
  function ask<K extends FromProbe['kind']>(kind: K, message: ToProbe) {
    return new Promise<Extract<FromProbe, { kind: K }>[] | string>((resolve) => {
      const timer = setTimeout(() => fail(`it gave no answer within ${limit} s`), limit * 1000);
      onChange = () => {
        const found = replies.filter((reply): reply is Extract<FromProbe, { kind: K }> => reply.kind === kind);
        timer.refresh();
        if (found.length < towers.length && failure === undefined) return;
        clearTimeout(timer);
        onChange = () => undefined;
        resolve(found.length < towers.length ? failure! : found);
      };
      child.send(message, (error) => error && fail(`it could not be tried (${error.message})`));
      onChange();
    });
  }

  const tried = ask('tried', { kind: 'try', provider, towers, threads }).then((found) =>
    typeof found === 'string' ? towers.map(() => found) : found.map(({ reason }) => reason),
  );
  return { tried, measure: () => ask('measured', { kind: 'measure' }), end: () => fail('it has ended') };
}

/**
 * For each tower the providers that serve it, the fastest first; of those behind the CPU none is needed.
 * @param names those allowed, by preference: it decides where no measurement does
 * @throws ModelError if a tower has none, with the reasons
 */
export async function chooseProviders(
  towers: readonly Tower[],
  names: readonly Provider[],
  threads: number,
  options?: ProbeOptions,
): Promise<TowerOrder[]> {
  const others = names.filter((name) => name !== 'cpu');
  const probes = others.map((name) => startProbe(name, towers, threads, options));
  const passedOver: PassedOver[][] = towers.map(() => []);
  const milliseconds: Partial<Record<Provider, number>>[] = towers.map(() => ({}));
  try {
    const tried = await Promise.all(probes.map((probe) => probe.tried));
    for (const [i, provider] of others.entries()) {
      for (const [t, reason] of tried[i]!.entries())
        if (reason !== undefined) passedOver[t]!.push({ provider, reason });
    }
    for (const [i, provider] of others.entries()) {
      const several = towers.map((_, t) => tried[i]![t] === undefined && names.length - passedOver[t]!.length > 1);
      if (!several.includes(true)) continue;
      const measured = await probes[i]!.measure();
      for (const t of towers.keys()) {
        if (!several[t]) continue;
        if (typeof measured === 'string') {
          passedOver[t]!.push({ provider, reason: measured });
          continue;
        }
        const { milliseconds: found, cpu } = measured[t]!;
        milliseconds[t]![provider] = found!;
        if (names.includes('cpu')) milliseconds[t]!.cpu ??= cpu!;
      }
    }
  } finally {
    for (const probe of probes) probe.end();
  }
  return towers.map((tower, t) => order(tower, names, passedOver[t]!, milliseconds[t]!));
}

function order(
  { manifest, encoder, head }: Tower,
  names: readonly Provider[],
  passedOver: readonly PassedOver[],
  milliseconds: Partial<Record<Provider, number>>,
): TowerOrder {
  const time = (name: Provider) => milliseconds[name] ?? Infinity;
  const serving = names
    .filter((name) => passedOver.every(({ provider }) => provider !== name))
    // (Of two that are not measured the difference is no number.)
    .sort((a, b) => time(a) - time(b) || 0);
  if (serving.length === 0) throw new ModelError(`${manifest.name} does not run: ${reasons(passedOver)}; add cpu`);
  const providers = serving.includes('cpu') ? serving.slice(0, serving.indexOf('cpu') + 1) : serving;
  const measured = Object.keys(milliseconds).length > 0;
  return { tower: { manifest, encoder, head }, providers, passedOver, ...(measured && { milliseconds }) };
}

/** The providers other than the CPU that these towers are opened on first. */
export const gpusOf = (orders: readonly TowerOrder[]) =>
  new Set(orders.map(({ providers }) => providers[0]!).filter((provider) => provider !== 'cpu'));

/** The same towers without some providers, but for those towers that have no other. */
export function without(orders: readonly TowerOrder[], failed: ReadonlyMap<Provider, string>): TowerOrder[] {
  return orders.map((order) => {
    const providers = order.providers.filter((provider) => !failed.has(provider));
    if (providers.length === 0 || providers.length === order.providers.length) return order;
    const dropped = order.providers.filter((provider) => failed.has(provider));
    const passedOver = dropped.map((provider) => ({ provider, reason: failed.get(provider)! }));
    return { ...order, providers, passedOver: [...order.passedOver, ...passedOver] };
  });
}
