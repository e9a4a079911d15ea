/** From UTD-MHAD's Kinect recordings to the skeleton and the depth tower, and what they are worth on other subjects. */
import { createHash } from 'node:crypto';
import { depthPoseEncoder } from '../models/towers/depth-pose.js';
import type { DepthPart } from '../models/towers/depth-pose.js';
import type { Encoder } from '../models/towers/encoder.js';
import { skeletonEncoder } from '../models/towers/skeleton.js';
import type { Weights } from '../models/weights.js';
import type { TrainingOptions } from './classifier.js';
import { loadUtdMhadPaired, windowsOf } from './datasets/utd-mhad-windows.js';
import type { PairedKind, PairedRecording } from './datasets/utd-mhad-windows.js';
import { trainDepthMovement } from './depth-movement.js';
import { foundSkeletons, trainDepthPose } from './depth-pose.js';
import { depthBodyRecipe, fineTuneDepth } from './depth-tower.js';
import type { DepthExample } from './depth-tower.js';
import { mixSeeds } from './random.js';
import { fineTuneSkeleton } from './skeleton-tower.js';
import type { SkeletonExample } from './skeleton-tower.js';
import { joinedHead } from './tower-export.js';
import { among, createStages, finishedTower, labelsOf, utdMhadTerms } from './train-tower.js';
import type { TowerTrainingRequest, TrainedTower } from './train-tower.js';

interface Design {
  readonly kind: PairedKind;
  readonly encoder: Encoder;
  /** What training reads; a trained tower is tested on its own kind alone. */
  readonly reads: readonly PairedKind[];
  readonly members: number;
  /** Of the last stage. */
  readonly epochs: number;
  readonly text: string;
  readonly trainEncoder: (
    examples: readonly PairedRecording[],
    classes: number,
    epochs: number,
    options: StageOptions,
  ) => Promise<Weights>;
}

/** What a stage of the training of one encoder goes by, by the stage's name. */
type StageOptions = (stage: string) => Omit<TrainingOptions, 'epochs'>;

/** Epochs of the depth tower's other stages, as shares of those in which its appearance is trained. */
const [bodyShare, poseShare, movementShare] = [4 / 3, 1 / 5, 2];

const skeleton: Design = {
  kind: 'skeleton',
  encoder: skeletonEncoder,
  reads: ['skeleton'],
  members: 4,
  epochs: 60,
  text: 'Trained with the labels',
  trainEncoder: (examples, classes, epochs, options) => {
    const all = { ...options('training'), epochs };
    return fineTuneSkeleton(examples as readonly SkeletonExample[], classes, undefined, all);
  },
};

const depth: Design = {
  kind: 'depth',
  encoder: depthPoseEncoder,
  reads: ['skeleton', 'depth'],
  members: 3,
  epochs: 30,
  text: 'Trained with the labels and, beside them, with where the camera’s skeletons have their joints',
  async trainEncoder(examples, classes, epochs, options) {
    const all = examples as readonly DepthExample[];
    const first = { ...options('body'), epochs: Math.ceil(bodyShare * epochs) };
    const body = await fineTuneDepth(all, classes, undefined, first, depthBodyRecipe);
    const { seed, ...rest } = options('training');
    const appearance = await fineTuneDepth(all, classes, body, { ...rest, seed: mixSeeds(seed, 1), epochs });

    const pose = await trainDepthPose(all, { ...options('pose'), epochs: Math.ceil(poseShare * epochs) });
    const found = await foundSkeletons(pose, all, rest.threads);
    const moving = all.map((example, i) => ({ ...example, found: found[i]! }));
    const last = { ...options('movement'), epochs: movementShare * epochs };
    const movement = await trainDepthMovement(moving, classes, last);
    return sideBySide({ appearance, pose, movement });
  },
};

/** Parts that were trained by themselves as the weights of one encoder, with the mean of the heads. */
function sideBySide(parts: Readonly<Record<DepthPart, Weights>>): Weights {
  const { appearance, movement } = parts;
  const named = Object.entries(parts).flatMap(([part, weights]) =>
    [...weights]
      .filter(([name]) => !name.startsWith('head.'))
      .map(([name, values]): [string, Float32Array] => [`${part}.${name}`, values]),
  );
  return new Map([...named, ...joinedHead([appearance, movement])]);
}

function digest(examples: readonly PairedRecording[]): string {
  const hash = createHash('sha256');
  for (const example of examples) {
    if (example.skeleton) hash.update(example.skeleton);
    if (example.depth) hash.update(example.depth.pictures);
  }
  return hash.digest('hex').slice(0, 16);
}

async function trainKinectTower(design: Design, request: TowerTrainingRequest): Promise<TrainedTower> {
  const { kind, encoder, trainEncoder } = design;
  const { data, train, test, actions, seed, cache, gatewayVersion, onWarning } = request;
  const labels = labelsOf(actions);
  const started = Date.now();
  const load = async (subjects: readonly number[], kinds: readonly PairedKind[]) => {
    const { recordings, unreadable } = await loadUtdMhadPaired(data, { subjects, actions, kinds, cache });
    for (const { file, reason } of unreadable) onWarning?.(`${file} is left out: ${reason}`);
    return among(labels, recordings);
  };
  const examples = await load(train, design.reads);
  const { members: count = design.members, epochs = design.epochs } = request;
  const { stage, finish } = createStages(kind, count, request);
  const dataset = digest(examples);
  const members: Weights[] = [];
  for (let member = 0; member < count; member++)
    members.push(await trainEncoder(examples, labels.length, epochs, (name) => ({ ...stage(name, member), dataset })));

  const tested = test.length > 0 ? await load(test, [kind]).catch(() => []) : [];
  const text = `${design.text} of ${examples.length} recordings for ${epochs} epochs.`;
  const description = { trainedOn: { text, datasets: [utdMhadTerms(train)] }, seed };
  const windows = (recording: PairedRecording) => ({
    id: recording.id,
    label: recording.label,
    windows: windowsOf(recording, kind, encoder.window).map((window) => ({ data: window })),
  });
  const sides = { learned: examples, tested, windowsOf: windows };
  const finished = await finishedTower(encoder, members, labels, description, gatewayVersion, sides);
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
