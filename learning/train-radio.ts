/** From recordings of radar points and of Wi-Fi to their towers, and what they are worth on recordings that were not trained on. */
import type { Encoder } from '../models/towers/encoder.js';
import { windowSize } from '../models/towers/encoder.js';
import { mmwavePointsEncoder } from '../models/towers/mmwave-points.js';
import { wifiGruEncoder } from '../models/towers/wifi-gru.js';
import type { Weights } from '../models/weights.js';
import { loadMars, marsMovements, marsTerms } from './datasets/mars.js';
import { wiarActivities, wiarTerms } from './datasets/wiar.js';
import type { LabelledWindows } from './evaluate.js';
import { digestOfExamples } from './kept-classifier.js';
import { mmwavePointsDesign, mmwavePointsRecipe, pointInstants, pointWindows, windowsOf } from './radar-tower.js';
import { marsEpochs, marsWindowsOfRecording, mirrored } from './suites/mars-labelled.js';
import { loadPlaced, wiarEpochs, wiarMembers } from './suites/wiar.js';
import { createStages, finishedTower } from './train-tower.js';
import type { TowerTrainingRequest, TrainedTower } from './train-tower.js';
import { csiWindows, csiWindowsOf, wifiDesign, wifiRecipe } from './wifi-tower.js';
import { trainClassifier } from './window-classifier.js';
import type { ClassifierDesign, ClassifierRecipe, ClassifierSource } from './window-classifier.js';

interface Example {
  readonly id: string;
  readonly classIndex: number;
  readonly instants: Float32Array;
  readonly subject?: number;
}

/** What becomes a tower. */
interface Material<Of extends Example> {
  readonly encoder: Encoder;
  readonly classes: readonly string[];
  readonly learned: readonly Of[];
  readonly tested: readonly Of[];
  /** Of the manifest. */
  readonly dataset: { readonly dataset: string; readonly subjects: number[]; readonly terms: string };
  readonly design: ClassifierDesign;
  readonly recipe: ClassifierRecipe;
  readonly source: ClassifierSource;
  readonly members: number;
  readonly epochs: number;
  readonly windowsOf: (example: Of) => { windows: Float32Array; count: number };
}

async function trained<Of extends Example>(
  material: Material<Of>,
  request: TowerTrainingRequest,
): Promise<TrainedTower> {
  const { encoder, classes, learned, tested, dataset, design, recipe, source, windowsOf } = material;
  const { members: count = material.members, epochs = material.epochs, seed, gatewayVersion } = request;
  const started = Date.now();
  const { stage, finish } = createStages(encoder.modality, count, request);
  const digest = digestOfExamples(learned);
  const members: Weights[] = [];
  for (let member = 0; member < count; member++)
    members.push(
      await trainClassifier(design, recipe, source, undefined, {
        ...stage('training', member),
        epochs,
        dataset: digest,
      }),
    );
  const size = windowSize(encoder);
  const cut = (example: Of): LabelledWindows => {
    const { windows, count: windowCount } = windowsOf(example);
    const data = (i: number) => windows.slice(i * size, (i + 1) * size);
    const { id, classIndex } = example;
    return {
      id,
      label: classes[classIndex]!,
      windows: Array.from({ length: windowCount }, (_, i) => ({ data: data(i) })),
    };
  };
  const text = `Trained with the labels of ${learned.length} recordings for ${epochs} epochs.`;
  const description = { trainedOn: { text, datasets: [dataset] }, seed };
  const sides = { learned, tested, windowsOf: cut };
  const finished = await finishedTower(encoder, members, classes, description, gatewayVersion, sides);
  finish();
  const seconds = (Date.now() - started) / 1000;
  return { ...finished, trainRecordings: learned.length, unlabelledRecordings: 0, seconds };
}

/**
 * The tower of radar points, on MARS.
 * @param request `data` is the folder of MARS, or the one that holds it
 * @throws DatasetError if no recording of the training subjects is there; Error if it was interrupted (a checkpoint is kept)
 */
export async function trainRadarTower(request: TowerTrainingRequest): Promise<TrainedTower> {
  const load = async (subjects: readonly number[]) => {
    const { recordings, unreadable } = await loadMars(request.data, { subjects });
    for (const { file, reason } of unreadable) request.onWarning?.(`${file} is left out: ${reason}`);
    return recordings.map(({ id, subject, classIndex, radar }) => ({ id, subject, classIndex, instants: pointInstants(radar) })); // prettier-ignore
  };
  const learned = await load(request.train);
  const { hop } = mmwavePointsEncoder.window;
  return trained(
    {
      ...{ encoder: mmwavePointsEncoder, classes: marsMovements, learned },
      tested: request.test.length > 0 ? await load(request.test).catch(() => []) : [],
      dataset: { dataset: 'mars', subjects: [...request.train], terms: marsTerms },
      design: mmwavePointsDesign(marsMovements.length),
      recipe: mmwavePointsRecipe,
      source: pointWindows(learned, marsWindowsOfRecording, mirrored, mmwavePointsRecipe.augmentation),
      ...{ members: 1, epochs: marsEpochs },
      windowsOf: (example) => windowsOf(example, hop),
    },
    request,
  );
}

/**
 * The recurrent Wi-Fi tower, on WiAR: learned from the odd repetitions, tested on the even ones.
 * @param request `data` is the folder of WiAR, or the one that holds it; `train` and `test` are not looked at
 * @throws DatasetError if no recording is there; Error if it was interrupted (a checkpoint is kept)
 */
export async function trainWifiTower(request: TowerTrainingRequest): Promise<TrainedTower> {
  const all = await loadPlaced(request.data, request.onWarning);
  const withIds = all.map((example) => {
    const { placement, classIndex, repetition } = example;
    return { ...example, id: `${placement}/${classIndex + 1}_${repetition}` };
  });
  const learned = withIds.filter(({ repetition }) => repetition % 2 === 1);
  return trained(
    {
      ...{ encoder: wifiGruEncoder, classes: wiarActivities, learned },
      tested: withIds.filter(({ repetition }) => repetition % 2 === 0),
      dataset: {
        dataset: 'wiar',
        subjects: [],
        terms: wiarTerms,
      },
      design: wifiDesign(wifiGruEncoder, wiarActivities.length),
      recipe: wifiRecipe,
      source: csiWindows(learned, wifiRecipe.augmentation),
      ...{ members: wiarMembers, epochs: wiarEpochs },
      windowsOf: csiWindowsOf,
    },
    request,
  );
}
