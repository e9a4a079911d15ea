/** From UTD-MHAD's Kinect recordings to the skeleton and the depth tower, and what they are worth on other subjects. */
import { createHash } from 'node:crypto';
import { depthEncoder } from '../models/towers/depth.js';
import type { Encoder } from '../models/towers/encoder.js';
import { skeletonEncoder } from '../models/towers/skeleton.js';
import type { Weights } from '../models/weights.js';
import type { TrainingOptions } from './classifier.js';
import { loadUtdMhadPaired, windowsOf } from './datasets/utd-mhad-windows.js';
import type { PairedKind, PairedRecording } from './datasets/utd-mhad-windows.js';
import { utdMhadActions } from './datasets/utd-mhad.js';
import { fineTuneDepth } from './depth-tower.js';
import type { DepthExample } from './depth-tower.js';
import { evaluateWindows } from './evaluate.js';
import { fineTuneSkeleton } from './skeleton-tower.js';
import type { SkeletonExample } from './skeleton-tower.js';
import { createStages, finishedTower, utdMhadTerms } from './train-tower.js';
import type { TowerTrainingRequest, TrainedTower } from './train-tower.js';

interface Design {
  readonly kind: PairedKind;
  readonly encoder: Encoder;
  /** What training reads; a trained tower is tested on its own kind alone. */
  readonly reads: readonly PairedKind[];
  readonly members: number;
  readonly epochs: number;
  readonly text: string;
  readonly fineTune: (examples: readonly PairedRecording[], options: TrainingOptions) => Promise<Weights>;
}

const classes = utdMhadActions.length;

const skeleton: Design = {
  kind: 'skeleton',
  encoder: skeletonEncoder,
  reads: ['skeleton'],
  members: 4,
  epochs: 60,
  text: 'Trained with the labels',
  fineTune: (examples, options) =>
    fineTuneSkeleton(examples as readonly SkeletonExample[], classes, undefined, options),
};

const depth: Design = {
  kind: 'depth',
  encoder: depthEncoder,
  reads: ['skeleton', 'depth'],
  members: 3,
  epochs: 50,
  text: 'Trained with the labels and, beside them, with where the camera’s skeletons have their joints',
  fineTune: (examples, options) => fineTuneDepth(examples as readonly DepthExample[], classes, undefined, options),
};

function digest(examples: readonly PairedRecording[]): string {
  const hash = createHash('sha256');
  for (const example of examples) {
    if (example.skeleton) hash.update(example.skeleton);
    if (example.depth) hash.update(example.depth.pictures);
  }
  return hash.digest('hex').slice(0, 16);
}

async function trainKinectTower(design: Design, request: TowerTrainingRequest): Promise<TrainedTower> {
  const { kind, encoder, fineTune } = design;
  const { data, train, test, seed, cache, gatewayVersion, onWarning } = request;
  const started = Date.now();
  const load = async (subjects: readonly number[], kinds: readonly PairedKind[]) => {
    const { recordings, unreadable } = await loadUtdMhadPaired(data, { subjects, kinds, cache });
    for (const { file, reason } of unreadable) onWarning?.(`${file} is left out: ${reason}`);
    return recordings;
  };
  const examples = await load(train, design.reads);
  const { members: count = design.members, epochs = design.epochs } = request;
  const { stage, finish } = createStages(kind, count, request);
  const dataset = digest(examples);
  const members: Weights[] = [];
  for (let member = 0; member < count; member++)
    members.push(await fineTune(examples, { ...stage('training', member), dataset, epochs }));

  const tested = test.length > 0 ? await load(test, [kind]).catch(() => []) : [];
  const text = `${design.text} of ${examples.length} recordings for ${epochs} epochs.`;
  const description = { trainedOn: { text, datasets: [utdMhadTerms(train)] }, seed };
  const finished = await finishedTower(
    encoder,
    members,
    utdMhadActions,
    description,
    gatewayVersion,
    tested,
    (tower, recordings) =>
      evaluateWindows(tower, recordings, (recording) => ({
        id: recording.id,
        label: recording.label,
        windows: windowsOf(recording, kind, encoder.window).map((window) => ({ data: window })),
      })),
  );
  finish();
  const seconds = (Date.now() - started) / 1000;
  return { ...finished, trainRecordings: examples.length, unlabelledRecordings: 0, seconds };
}

/** @throws Error if no recording of the training subjects is there, or if it was interrupted (a checkpoint is kept) */
export const trainSkeletonTower = (request: TowerTrainingRequest): Promise<TrainedTower> =>
  trainKinectTower(skeleton, request);

/** @throws Error if no recording of the training subjects is there, or if it was interrupted (a checkpoint is kept) */
export const trainDepthTower = (request: TowerTrainingRequest): Promise<TrainedTower> =>
  trainKinectTower(depth, request);
