/** A provider probe that crashes natively for `cuda` and never answers for `webgpu`. */
import type { ProbeRequest } from '../../models/providers.js';

process.once('message', ({ provider }: ProbeRequest) => {
  if (provider === 'cuda') process.abort();
  setInterval(() => undefined, 1000);
});
