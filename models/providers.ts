/** Execution providers: what onnxruntime computes on. */
import { ModelError } from './manifest.js';

export const providerNames = ['cuda', 'webgpu', 'cpu'] as const;
export type Provider = (typeof providerNames)[number];
export const defaultProviders: readonly Provider[] = providerNames;

export interface PassedOver {
  readonly provider: Provider;
  readonly reason: string;
}

/** Median time of one window on each provider that was measured. */
export type Milliseconds = Readonly<Partial<Record<Provider, number>>>;

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
