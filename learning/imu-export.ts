/** A trained IMU tower as the two ONNX files that the gateway runs. */
import { graph } from '../models/graph.js';
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

export function exportImuTower(
  weights: Weights,
  classes: readonly string[],
  description: TowerDescription,
  gatewayVersion: string,
): Tower {
  const onnx = (build: (network: Network) => void) => {
    const network: Network = { g: graph(), weights: trained(weights) };
    build(network);
    return network.g.toOnnx({ parametersAs: 'initializers' });
  };
  const { rate, samples, hop, channels } = imuWindow;
  const encoder = onnx((network) => {
    const window = normalisedWindow(network, network.g.input('window', [1, samples, channels]));
    network.g.output('embedding', imuEmbedding(network, imuEncoder(network, window)));
  });
  const head = onnx((network) => {
    const embedding = network.g.input('embedding', [1, imuEmbeddingWidth]);
    network.g.output('logits', activityHead(network, embedding, classes.length));
  });
  return {
    encoder,
    head,
    manifest: {
      formatVersion: 1,
      name: 'imu-limu-bert',
      modality: 'imu',
      title: 'IMU: convolutional stem and LIMU-BERT encoder, activity head',
      window: { rate, samples, hop, channels: imuChannelNames },
      embedding: { width: imuEmbeddingWidth, space: 'imu-limu-bert-unaligned' },
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
