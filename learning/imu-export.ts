/** A trained IMU tower as the two ONNX files that the gateway runs. */
import { graph } from '../models/graph.js';
import { prefixed } from '../models/layers.js';
import type { Network } from '../models/layers.js';
import { sha256 } from '../models/store.js';
import type { Tower } from '../models/store.js';
import type { Manifest } from '../models/manifest.js';
import {
  activityHead,
  imuEmbedding,
  imuEmbeddingWidth,
  imuEncoder,
  imuWindow,
  normalisedWindow,
} from '../models/towers/imu.js';
import { trained } from '../models/weights.js';
import type { Weights } from '../models/weights.js';

export const imuChannelNames = [
  'acceleration x, m/s²',
  'acceleration y, m/s²',
  'acceleration z, m/s²',
  'angular rate x, rad/s',
  'angular rate y, rad/s',
  'angular rate z, rad/s',
];

/** What training knows of a tower; `saveTower` adds the files and their checksums. */
export type TowerDescription = Pick<Manifest, 'trainedOn' | 'figures' | 'seed'>;

/** The mean of the members' heads as one linear layer over their joined embeddings. */
function joinedHead(members: readonly Weights[]): Weights {
  const share = 1 / members.length;
  const weights = members.flatMap((member) => [...member.get('head.weight')!]);
  const [first, ...others] = members.map((member) => member.get('head.bias')!);
  const bias = first!.map((value, i) => others.reduce((sum, other) => sum + other[i]!, value) * share);
  return new Map([
    ['head.weight', Float32Array.from(weights, (value) => value * share)],
    ['head.bias', bias],
  ]);
}

/** @param members the weights of encoders that were trained side by side, each with its own head */
export function exportImuTower(
  members: readonly Weights[],
  classes: readonly string[],
  description: TowerDescription,
  gatewayVersion: string,
): Tower {
  const weights: Weights = new Map([
    ...members.flatMap((member, k) =>
      [...member].map(([name, values]): [string, Float32Array] => [`member.${k}.${name}`, values]),
    ),
    ...joinedHead(members),
  ]);
  const width = members.length * imuEmbeddingWidth;
  const onnx = (build: (network: Network) => void) => {
    const network: Network = { g: graph(), weights: trained(weights) };
    build(network);
    return network.g.toOnnx({ parametersAs: 'initializers' });
  };
  const { rate, samples, hop, channels } = imuWindow;
  const encoder = onnx((network) => {
    const window = normalisedWindow(network, network.g.input('window', [1, samples, channels]));
    const embeddings = members.map((_, k) => {
      const member = prefixed(network, `member.${k}`);
      return imuEmbedding(member, imuEncoder(member, window));
    });
    network.g.output('embedding', network.g.concat(embeddings, 1));
  });
  const head = onnx((network) => {
    const embedding = network.g.input('embedding', [1, width]);
    network.g.output('logits', activityHead(network, embedding, classes.length));
  });
  return {
    encoder,
    head,
    manifest: {
      formatVersion: 1,
      name: 'imu-limu-bert',
      modality: 'imu',
      title: `IMU: ${members.length} encoders after LIMU-BERT with convolutional stems, activity head`,
      window: { rate, samples, hop, channels: imuChannelNames },
      embedding: { width, space: 'imu-limu-bert-unaligned' },
      files: {
        encoder: { path: 'encoder.onnx', sha256: sha256(encoder) },
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
