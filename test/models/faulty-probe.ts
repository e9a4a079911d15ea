/** A provider probe that crashes natively for `cuda` and never answers for `webgpu`. */
import type { ToProbe } from '../../models/provider-choice.js';

process.once('message', (message: ToProbe) => {
  if (message.kind === 'try' && message.provider === 'cuda') process.abort();
  setInterval(() => undefined, 1000);
});
