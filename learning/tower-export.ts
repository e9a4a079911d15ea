/** A trained tower as the two ONNX files that the gateway runs. */
import { graph } from '../models/graph.js';
import { prefixed } from '../models/layers.js';
import type { Network } from '../models/layers.js';
import type { Manifest } from '../models/manifest.js';
import { sha256 } from '../models/store.js';
import type { Tower } from '../models/store.js';
import { activityHead, windowShape } from '../models/towers/encoder.js';
import type { Encoder } from '../models/towers/encoder.js';
import { trained } from '../models/weights.js';
import type { Weights } from '../models/weights.js';

/** What training knows of a tower; `saveTower` adds the files and their checksums. */
export type TowerDescription = Pick<Manifest, 'trainedOn' | 'figures' | 'seed'>;

/** The mean of the members' heads as one linear layer over their joined embeddings, however wide each is. */
export function joinedHead(members: readonly Weights[]): Weights {
  const share = 1 / members.length;
  const weights = members.flatMap((member) => [...member.get('head.weight')!]);
  const [first, ...others] = members.map((member) => member.get('head.bias')!);
  const bias = first!.map((value, i) => others.reduce((sum, other) => sum + other[i]!, value) * share);
  return new Map([
    ['head.weight', Float32Array.from(weights, (value) => value * share)],
    ['head.bias', bias],
  ]);
}

/** Encoders side by side as one ONNX file: window → their embeddings, joined. */
export function exportEncoder(encoder: Encoder, members: readonly Weights[]): Uint8Array {
  const named = members.flatMap((member, k) =>
    [...member].map(([name, values]): [string, Float32Array] => [`member.${k}.${name}`, values]),
  );
  const network: Network = { g: graph(), weights: trained(new Map(named)) };
  const window = network.g.input('window', [1, ...windowShape(encoder)]);
  const embeddings = members.map((_, k) => encoder.embed(prefixed(network, `member.${k}`), window));
  network.g.output('embedding', network.g.concat(embeddings, 1));
  return network.g.toOnnx({ parametersAs: 'initializers' });
}

/** @param members the weights of encoders that were trained side by side, each with its own head */
export function exportTower(
  encoder: Encoder,
  members: readonly Weights[],
  classes: readonly string[],
  description: TowerDescription,
  gatewayVersion: string,
): Tower {
  const width = members.length * encoder.width;
  const encoderFile = exportEncoder(encoder, members);
  const network: Network = { g: graph(), weights: trained(joinedHead(members)) };
  const embedding = network.g.input('embedding', [1, width]);
  network.g.output('logits', activityHead(network, embedding, classes.length));
  const head = network.g.toOnnx({ parametersAs: 'initializers' });
  const { rate, samples, hop, channels, instant } = encoder.window;
  const isFlat = instant.length === 1 && instant[0] === channels.length;
  return {
    encoder: encoderFile,
    head,
    manifest: {
      formatVersion: 1,
      name: encoder.name,
      modality: encoder.modality,
      title: `${members.length} × ${encoder.title}, activity head`,
      window: { rate, samples, hop, channels: [...channels], ...(!isFlat && { shape: [...instant] }) },
      embedding: { width, space: `${encoder.name}-unaligned` },
      files: {
        encoder: { path: 'encoder.onnx', sha256: sha256(encoderFile) },
        head: { path: 'head.onnx', sha256: sha256(head) },
      },
      classes: [...classes],
      temperature: 1,
      created: new Date().toISOString(),
      gatewayVersion,
      ...description,
    },
  };
}
