/** A GPU for WebGPU: the machine's own, else SwiftShader, which Debian's Chromium brings along: a Vulkan driver in software. */
import { existsSync } from 'node:fs';
import { graph } from '../models/graph.js';
import type { Manifest } from '../models/manifest.js';
import { startProbe } from '../models/provider-choice.js';
import type { Tower } from '../models/store.js';

const softwareDriver = '/usr/lib/chromium/vk_swiftshader_icd.json';

export const noAdapter =
  'no GPU that WebGPU can use, and no SwiftShader in its stead: ' +
  'sudo apt-get install -y --no-install-recommends chromium-common libvulkan1';

export type Adapter = 'gpu' | 'software';

/** A tower of two operators. */
function smallTower(): Tower {
  const model = (shape: readonly number[], isEncoder: boolean) => {
    const g = graph();
    const x = g.input('x', [1, ...shape]);
    g.output('y', isEncoder ? g.reduceMean(x, [1]) : g.mul(x, 2));
    return g.toOnnx({ parametersAs: 'initializers' });
  };
  const file = (path: string) => ({ path, sha256: '0'.repeat(64) });
  const manifest: Manifest = {
    formatVersion: 1,
    name: 'adapter',
    modality: 'imu',
    title: 'a tower that tells whether there is an adapter',
    window: { rate: 1, samples: 2, hop: 1, channels: ['a', 'b'] },
    embedding: { width: 2, space: 'none' },
    files: { encoder: file('encoder.onnx'), head: file('head.onnx') },
    classes: ['a', 'b'],
    temperature: 1,
    trainedOn: { text: 'not trained', datasets: [] },
    figures: {},
    seed: 0,
    created: '2026-01-01T00:00:00Z',
    gatewayVersion: '0',
  };
  return { manifest, encoder: model([2, 2], true), head: model([2], false) };
}

async function runs(): Promise<boolean> {
  // In software the first run takes seconds.
  const probe = startProbe('webgpu', [smallTower()], 1, { limit: 60 });
  const [reason] = await probe.tried;
  probe.end();
  return reason === undefined;
}

/** What WebGPU finds; where it needs the software driver, that is set for the child processes that are started from now on. */
export async function findAdapter(): Promise<Adapter | undefined> {
  const isSet = /swiftshader|lvp/.test(process.env['VK_ICD_FILENAMES'] ?? '');
  if (await runs()) return isSet ? 'software' : 'gpu';
  if (isSet || !existsSync(softwareDriver)) return undefined;
  process.env['VK_ICD_FILENAMES'] = softwareDriver;
  return (await runs()) ? 'software' : undefined;
}
