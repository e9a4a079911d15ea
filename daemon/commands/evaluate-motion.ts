/** `babel-gateway evaluate motion`: the motion index of pipelines/wifi on recordings of known motion.
 *
 *  Each pair is one run, as a gateway would see it: the quiet recording, the pause that lay between, then the other. Per packet:
 *
 *      recall           packets of the second that were called moving, of those that were called anything
 *      falseAlarmRate   packets of the first that were called moving, of those that were called anything
 *
 *  Before the index has calibrated and after a pause, until its window has filled, it calls nothing; `undecided` says how many
 *  packets that was. The published figures leave the same out, as a warm-up. */
import { loadEsp32Motion, type MotionRecording } from '../../learning/datasets/esp32-motion.js';
import { createWifiMotion, type WifiMotion } from '../../pipelines/wifi/motion-pipeline.js';

export interface EvaluateMotionOptions {
  data: string;
  json: boolean;
}

export interface MotionFigure {
  suite: 'esp32-motion';
  case: string;
  metric: 'recall' | 'falseAlarmRate';
  /** NaN (null in JSON) where all packets are undecided. */
  value: number;
  /** Of the recording, or of its half. */
  packets: number;
  undecided: number;
}

const round = (value: number) => Math.round(value * 1e5) / 1e5;

/** Runs packets [from, to) through the index, from `start` seconds on its clock. */
function judge(
  motion: WifiMotion,
  { frames }: MotionRecording,
  start: number,
  range: readonly [from: number, to: number] = [0, frames.length],
): { moving: number; decided: number; packets: number } {
  let moving = 0;
  let decided = 0;
  for (const frame of frames.slice(...range)) {
    const state = motion.push({ ...frame, deviceTime: start + frame.deviceTime! });
    if (state === 'quiet' || state === 'moving') decided++;
    if (state === 'moving') moving++;
  }
  return { moving, decided, packets: range[1] - range[0] };
}

function figure(name: string, metric: MotionFigure['metric'], found: ReturnType<typeof judge>): MotionFigure {
  const { moving, decided, packets } = found;
  const value = decided === 0 ? NaN : round(moving / decided);
  return { suite: 'esp32-motion', case: name, metric, value, packets, undecided: packets - decided };
}

/** The figures of all recordings, two for each: of a pair, and of a `test` recording by itself. */
export function motionFigures(recordings: readonly MotionRecording[]): MotionFigure[] {
  const figures: MotionFigure[] = [];
  const ofLabel = (label: string) => recordings.filter((recording) => recording.label === label);
  for (const movement of ofLabel('movement')) {
    const { chip } = movement;
    const before = (one: MotionRecording) => one.chip === chip && one.collectedAt < movement.collectedAt;
    const quiet = ofLabel('baseline')
      .filter(before)
      .sort((a, b) => b.collectedAt - a.collectedAt)[0];
    if (quiet === undefined) continue;
    const several = ofLabel('movement').filter((one) => one.chip === chip).length > 1;
    const name = several ? movement.id.replace('movement_', '') : chip;
    const motion = createWifiMotion();
    const falseAlarms = judge(motion, quiet, 0);
    const found = judge(
      motion,
      movement,
      movement.collectedAt - movement.seconds - (quiet.collectedAt - quiet.seconds),
    );
    figures.push(figure(name, 'recall', found), figure(name, 'falseAlarmRate', falseAlarms));
  }
  for (const test of ofLabel('test')) {
    const motion = createWifiMotion();
    const half = test.frames.length >> 1;
    const falseAlarms = judge(motion, test, 0, [0, half]);
    const found = judge(motion, test, 0, [half, test.frames.length]);
    figures.push(figure(test.id, 'recall', found), figure(test.id, 'falseAlarmRate', falseAlarms));
  }
  return figures;
}

/** Prints a line for each figure. @throws Error with one line */
export async function evaluateMotion({ data, json }: EvaluateMotionOptions): Promise<void> {
  const { recordings, unreadable } = await loadEsp32Motion(data);
  for (const { file, reason } of unreadable) console.error(`${file} is left out: ${reason}`);
  const figures = motionFigures(recordings);
  if (figures.length === 0)
    throw new Error(`${data}: no movement recording with a baseline of the same chip before it`);
  for (const one of figures) console.log(json ? JSON.stringify(one) : line(one));
}

function line({ case: name, metric, value, packets, undecided }: MotionFigure): string {
  const share = `${(100 * value).toFixed(2).padStart(6)} %`;
  return `${name.padEnd(8)} ${metric.padEnd(14)} ${share}   of ${packets - undecided} packets, ${undecided} undecided`;
}
