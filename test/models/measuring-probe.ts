/** A provider probe whose measurements are fixed: `webgpu` 2 ms, `cuda` 4 ms, the CPU 3 ms; a tower named `…-wrong` disagrees. */
import type { FromProbe, ToProbe } from '../../models/provider-choice.js';

let provider = '';
let names: string[] = [];
const tell = (message: FromProbe) => process.send!(message);

process.on('message', (message: ToProbe) => {
  if (message.kind === 'try') {
    provider = message.provider;
    names = message.towers.map(({ manifest }) => manifest.name);
  }
  for (const name of names) {
    const wrong = name.endsWith('-wrong');
    if (message.kind === 'try') tell({ kind: 'tried', reason: wrong ? 'its embeddings differ' : undefined });
    else if (wrong) tell({ kind: 'measured' });
    else tell({ kind: 'measured', milliseconds: provider === 'webgpu' ? 2 : 4, cpu: 3 });
  }
});
