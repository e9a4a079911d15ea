/**
 * Execution providers: what onnxruntime computes on. Each that the configuration names is tried for real, in its order, with the
 * towers themselves.
 *
 * A GPU's driver may crash or hang, and would take the gateway with it; so providers other than the CPU are first tried in a child
 * process with a time limit (without a GPU: about 0.3 s, all providers at once).
 */
import { fork } from 'node:child_process';
import { ModelError } from './manifest.js';
import type { Tower } from './store.js';

export const providerNames = ['cuda', 'webgpu', 'cpu'] as const;
export type Provider = (typeof providerNames)[number];
export const defaultProviders: readonly Provider[] = providerNames;

export interface PassedOver {
  readonly provider: Provider;
  readonly reason: string;
}

/** What the parent process sends to a `provider-probe.js` child; the answer is one reason a tower, `undefined` where it ran. */
export interface ProbeRequest {
  readonly provider: Provider;
  readonly towers: readonly Tower[];
}
export type ProbeReply = readonly (string | undefined)[];

/** @throws ModelError if a name is unknown or named twice, or there is none */
export function parseProviders(names: readonly string[]): Provider[] {
  const known = `known are ${providerNames.join(', ')}`;
  if (names.length === 0) throw new ModelError(`no execution provider is named; ${known}`);
  return names.map((name, index) => {
    const provider = providerNames.find((each) => each === name);
    if (!provider) throw new ModelError(`unknown execution provider '${name}'; ${known}`);
    if (names.indexOf(name) !== index) throw new ModelError(`the execution provider '${name}' is named twice`);
    return provider;
  });
}

/** One line that says why a provider does not run a tower, from an error's message. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (message.includes('Failed to load shared library'))
    return "onnxruntime's library for it is not installed or does not load (README, 'GPU')";
  if (message.includes('Failed to get a WebGPU adapter'))
    return "no GPU that it can use: no adapter found (a Vulkan driver is needed: README, 'GPU')";
  if (message.includes('fallback to CPU EP has been explicitly disabled'))
    return 'it lacks some of the operators of this tower';
  const line = message.split('\n', 1)[0]!;
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}

/** `cuda: …; webgpu: …` */
export function reasons(passedOver: readonly PassedOver[]): string {
  return passedOver.map(({ provider, reason }) => `${provider}: ${reason}`).join('; ');
}

/**
 * The first provider that `attempt` succeeds with. An attempt's ModelError is thrown on: the model is wrong whatever it runs on.
 * @throws ModelError with every provider's reason if there is none
 */
export async function tryProviders<T>(
  order: readonly Provider[],
  attempt: (provider: Provider) => Promise<T>,
): Promise<{ value: T; provider: Provider; passedOver: PassedOver[] }> {
  const passedOver: PassedOver[] = [];
  for (const provider of order) {
    try {
      return { value: await attempt(provider), provider, passedOver };
    } catch (error) {
      if (error instanceof ModelError) throw error;
      passedOver.push({ provider, reason: reasonOf(error) });
    }
  }
  throw new ModelError(`no execution provider runs it: ${reasons(passedOver)}`);
}

export interface ProbeOptions {
  /** Seconds. */
  readonly limit?: number;
  /** The child's code; another one in tests. */
  readonly script?: URL;
}

/**
 * Tries a provider with each tower in a child process.
 * @returns for each tower the reason why it does not run there, or `undefined`
 */
export function probeProvider(
  provider: Provider,
  towers: readonly Tower[],
  { limit = 10, script = new URL('./provider-probe.js', import.meta.url) }: ProbeOptions = {},
): Promise<ProbeReply> {
  return new Promise((resolve) => {
    // onnxruntime and drivers print what they miss; it is kept from the gateway's own output.
    const child = fork(script, {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      execArgv: [],
    });
    const end = (reply: ProbeReply) => {
      clearTimeout(timer);
      child.removeAllListeners();
      child.on('error', () => undefined);
      child.kill('SIGKILL');
      resolve(reply);
    };
    const failed = (reason: string) => end(towers.map(() => reason));
    const timer = setTimeout(() => failed(`it gave no answer within ${limit} s`), limit * 1000);
    child.once('message', (reply) => end(reply as ProbeReply));
    child.once('error', (error) => failed(`it could not be tried (${error.message})`));
    child.once('exit', (code, signal) =>
      failed(`the process that tried it crashed (${signal ?? `exit code ${code}`})`),
    );
    const request: ProbeRequest = { provider, towers };
    child.send(request, (error) => error && failed(`it could not be tried (${error.message})`));
  });
}
