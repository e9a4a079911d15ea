/** An aligned tower as the folder that the gateway runs: a frozen encoder, what alignment put behind it, and the head that all share. */
import { createHash } from 'node:crypto';
import { exportAlignment } from './alignment.js';
import { joinOnnx } from './join-onnx.js';
import { ModelError } from './manifest.js';
import type { Manifest } from './manifest.js';
import { sha256 } from './store.js';
import type { Tower } from './store.js';
import { encodeTrunk, moduleOf } from './trunk.js';
import type { Trunk } from './trunk.js';

/** A head over aligned embeddings, the same for every modality of the trunk. */
export interface SharedHead {
  /** ONNX: embedding [N, width] → logits [N, classes]. */
  readonly file: Uint8Array;
  readonly classes: readonly string[];
  /** Of each module, calibrated. */
  readonly temperatures: ReadonlyMap<string, number>;
}

/** Of a module that was never calibrated, as one that has grown: that of the least sure. */
export function temperatureOf({ temperatures }: SharedHead, name: string): number {
  return temperatures.get(name) ?? Math.max(...temperatures.values(), 1);
}

/** Towers of one trunk share a space; a trunk that has grown is another one. */
export function spaceOf(trunk: Trunk): string {
  return `babel-${createHash('sha256').update(encodeTrunk(trunk)).digest('hex').slice(0, 12)}`;
}

export interface AlignedTowerOptions {
  /** The module's name in the trunk. */
  readonly name: string;
  readonly head: SharedHead;
  readonly trainedOn: Manifest['trainedOn'];
  readonly figures: Manifest['figures'];
  readonly seed: number;
  readonly gatewayVersion: string;
}

/** Encoder and aligned tail as one ONNX file: window → embedding [rows, trunk.width] of length 1. @throws ModelError */
export function alignedEncoder(encoder: Tower, trunk: Trunk, name: string): Uint8Array {
  const { inputs } = moduleOf(trunk, name);
  const { manifest } = encoder;
  if (manifest.embedding.width !== inputs)
    throw new ModelError(
      `the trunk was aligned with another encoder of ${name}: it gives ${inputs} numbers, '${manifest.name}' ${manifest.embedding.width}`,
    );
  const file = `the tower '${manifest.name}': ${manifest.files.encoder.path}`;
  return joinOnnx(encoder.encoder, exportAlignment(trunk, name), { file, width: trunk.width });
}

/** @throws ModelError if the encoder is not the one that was aligned, or is no ONNX file that a tail can be put behind */
export function alignedTower(
  encoder: Tower,
  trunk: Trunk,
  { name, head, trainedOn, figures, seed, gatewayVersion }: AlignedTowerOptions,
): Tower {
  const file = alignedEncoder(encoder, trunk, name);
  const { formatVersion, name: own, modality, title, window } = encoder.manifest;
  return {
    encoder: file,
    head: head.file,
    manifest: {
      formatVersion,
      name: own.endsWith('-aligned') ? own : `${own.slice(0, 56)}-aligned`,
      modality,
      title: `${title.replace(/, activity head$/, '')}, aligned, shared head`,
      window,
      embedding: { width: trunk.width, space: spaceOf(trunk) },
      files: {
        encoder: { path: 'encoder.onnx', sha256: sha256(file) },
        head: { path: 'head.onnx', sha256: sha256(head.file) },
      },
      classes: [...head.classes],
      temperature: temperatureOf(head, name),
      trainedOn,
      figures,
      seed,
      created: new Date().toISOString(),
      gatewayVersion,
    },
  };
}
