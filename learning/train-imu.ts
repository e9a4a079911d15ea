/** From recordings to the IMU tower and what it is worth: pre-training without labels, fine-tuning, evaluation on other subjects. */
import { createHash } from 'node:crypto';
import { imuMembers, imuWindow, limuBert } from '../models/towers/imu.js';
import type { Weights } from '../models/weights.js';
import { resampleRecording } from '../pipelines/resample.js';
import type { ActivityRecording, LabelledStream } from './datasets/dataset.js';
import { loadPhoneWatch } from './datasets/phone-watch.js';
import { loadUtdMhadInertial } from './datasets/utd-mhad.js';
import { imuWindows } from './evaluate.js';
import { fineTuneImu, preTrainImu } from './imu-tower.js';
import type { Example } from './imu-tower.js';
import { among, createStages, finishedTower, labelsOf, utdMhadTerms } from './train-tower.js';
import type { TowerTrainingRequest, TrainedTower } from './train-tower.js';

export interface ImuTrainingRequest extends TowerTrainingRequest {
  /** Folder of the phone-watch recordings, for pre-training; absent: without them. */
  readonly phoneWatch?: string | undefined;
  readonly preTrainingEpochs?: number | undefined;
}

export const imuEpochs = { preTraining: 40, fineTuning: 200 } as const;
/** Pieces of long recordings, samples: each counts as one example of pre-training. */
const pieceLength = 2 * imuWindow.samples;

/** Long recordings without their labels, at the tower's rate, in pieces. */
function pieces(streams: readonly LabelledStream[]): Example[] {
  const found: Example[] = [];
  for (const { times, samples, rate } of streams)
    for (const { data } of resampleRecording(times, samples, imuWindow.channels, rate, imuWindow.rate))
      for (let begin = 0; begin + imuWindow.samples * 6 <= data.length; begin += pieceLength * 6)
        found.push({ samples: data.slice(begin, begin + pieceLength * 6) });
  return found;
}

function digest(examples: readonly Example[]): string {
  const hash = createHash('sha256');
  for (const { samples } of examples) hash.update(samples);
  return hash.digest('hex').slice(0, 16);
}

/**
 * @throws Error if no recording of the training subjects is there, or if it was interrupted (a checkpoint is kept)
 */
export async function trainImuTower(request: ImuTrainingRequest): Promise<TrainedTower> {
  const { data, phoneWatch, train, test, actions, seed, gatewayVersion, onWarning } = request;
  const labels = labelsOf(actions);
  const started = Date.now();
  const load = async (subjects: readonly number[]): Promise<readonly ActivityRecording[]> => {
    const { recordings, unreadable } = await loadUtdMhadInertial(data, { subjects, actions });
    for (const { file, reason } of unreadable) onWarning?.(`${file} is left out: ${reason}`);
    return among(labels, recordings);
  };
  const examples = await load(train);
  const streams = phoneWatch ? (await loadPhoneWatch(phoneWatch)).recordings : [];
  const unlabelled = [...examples, ...pieces(streams)];

  const { members: count = imuMembers } = request;
  const { stage, finish } = createStages('imu', count, request);
  const preTrainingEpochs = request.preTrainingEpochs ?? imuEpochs.preTraining;
  const epochs = request.epochs ?? imuEpochs.fineTuning;
  const dataset = digest(unlabelled);
  const members: Weights[] = [];
  for (let member = 0; member < count; member++) {
    const pretrained =
      preTrainingEpochs > 0
        ? await preTrainImu(unlabelled, { ...stage('pre-training', member), dataset, epochs: preTrainingEpochs })
        : undefined;
    const weights = await fineTuneImu(examples, labels.length, pretrained, {
      ...stage('fine-tuning', member),
      dataset: `${dataset}, pre-trained for ${preTrainingEpochs} epochs`,
      epochs,
    });
    members.push(weights);
  }

  const datasets = [
    utdMhadTerms(train),
    ...(streams.length > 0
      ? [
          {
            dataset: 'phone-watch',
            subjects: [...new Set(streams.map(({ subject }) => subject))],
            terms: 'CC BY 4.0 (Matey-Sanz, Casteleyn, Granell, Data in Brief 2023)',
          },
        ]
      : []),
  ];
  const trainedOn = {
    text: `Pre-trained without labels for ${preTrainingEpochs} epochs on ${unlabelled.length} recordings, fine-tuned with the labels of ${examples.length} for ${epochs}.`,
    datasets,
  };
  const tested = test.length > 0 ? await load(test).catch(() => []) : [];
  const description = { trainedOn, seed };
  const sides = { learned: examples, tested, windowsOf: (one: ActivityRecording) => imuWindows(one, limuBert.window) };
  const finished = await finishedTower(limuBert, members, labels, description, gatewayVersion, sides);
  finish();
  return {
    ...finished,
    trainRecordings: examples.length,
    unlabelledRecordings: unlabelled.length,
    seconds: (Date.now() - started) / 1000,
  };
}
