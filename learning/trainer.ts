/** Runs training steps in onnxruntime and holds what lasts from one to the next. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { TensorData } from '../models/onnx.js';
import { sizeOf } from '../models/operators.js';
import { stepNames } from './adamw.js';
import type { TrainingStep } from './adamw.js';

/** All that a training needs to go on from where it was. Vectors are laid out as the step's `packing` says. */
export interface TrainingState {
  /** Steps done. */
  readonly step: number;
  readonly parameters: Float32Array | Float64Array;
  readonly firstMoment: Float32Array | Float64Array;
  readonly secondMoment: Float32Array | Float64Array;
}

export interface StepResult {
  /** Before this step's update. */
  readonly loss: number;
  /** Euclidean norm of the whole gradient, before clipping. */
  readonly gradientNorm: number;
  /** The extra outputs that the step was made with. */
  readonly outputs: Readonly<Record<string, TensorData>>;
}

export interface Trainer {
  /**
   * One update. `feeds` are the network's inputs, row by row. `learningRate` may change from step to step.
   * @throws Error if a feed is missing or has another size, or if the loss is not a finite number (the state stays as it was)
   */
  step(feeds: Readonly<Record<string, TensorData>>, learningRate: number): Promise<StepResult>;
  /** Copies of the parameters, by name. */
  parameters(): Map<string, Float32Array | Float64Array>;
  /** The parameters as they lie, packed; valid until the next step. */
  packed(): Float32Array | Float64Array;
  /** A copy, to keep as a checkpoint. */
  state(): TrainingState;
  /** Goes on from a state, of this trainer or of one for another batch size. */
  restore(state: TrainingState): void;
  release(): Promise<void>;
}

/** Loads a step into onnxruntime's CPU provider. `run` blocks the calling thread: train in a process or worker of its own. */
export async function createTrainer(
  { bytes, type, inputs, outputs, packing, initial, beta1, beta2 }: TrainingStep,
  { threads = 2 }: { threads?: number } = {},
): Promise<Trainer> {
  const session = await InferenceSession.create(bytes, {
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    logSeverityLevel: 3,
    // Moments of parameters at rest decay into denormal numbers, which are slow.
    extra: { session: { set_denormal_as_zero: '1' } },
  });
  const zeros = () => initial.slice().fill(0);
  let now: TrainingState = { step: 0, parameters: initial.slice(), firstMoment: zeros(), secondMoment: zeros() };

  const tensor = (data: TensorData, shape: readonly number[], elements: string = type) =>
    new Tensor(elements as 'float32', data as Float32Array, shape);
  const scalar = (value: number) => tensor(type === 'float64' ? Float64Array.of(value) : Float32Array.of(value), []);

  function feed(feeds: Readonly<Record<string, TensorData>>): Record<string, Tensor> {
    return Object.fromEntries(
      inputs.map(({ name, type: elements, shape }) => {
        const data = feeds[name];
        const length = sizeOf(shape as number[]);
        if (data?.length !== length)
          throw new Error(`training: input '${name}' needs ${length} elements, not ${data?.length ?? 'none'}`);
        return [name, tensor(data, shape as number[], elements)];
      }),
    );
  }

  async function step(feeds: Readonly<Record<string, TensorData>>, learningRate: number): Promise<StepResult> {
    const next = now.step + 1;
    const size = [initial.length];
    const results = await session.run({
      ...feed(feeds),
      [stepNames.parameters]: tensor(now.parameters, size),
      [stepNames.firstMoment]: tensor(now.firstMoment, size),
      [stepNames.secondMoment]: tensor(now.secondMoment, size),
      [stepNames.learningRate]: scalar(learningRate),
      [stepNames.firstCorrection]: scalar(1 / (1 - beta1 ** next)),
      [stepNames.secondCorrection]: scalar(1 / (1 - beta2 ** next)),
    });
    const data = (name: string) => results[name]!.data as Float32Array;
    const [loss, gradientNorm] = [data(stepNames.loss)[0]!, data(stepNames.gradientNorm)[0]!];
    if (!Number.isFinite(loss) || !Number.isFinite(gradientNorm))
      throw new Error(
        `training: step ${next} gives loss ${loss} and gradient norm ${gradientNorm}; try a lower learning rate or clipNorm`,
      );
    now = {
      step: next,
      parameters: data(stepNames.newParameters),
      firstMoment: data(stepNames.newFirstMoment),
      secondMoment: data(stepNames.newSecondMoment),
    };
    return { loss, gradientNorm, outputs: Object.fromEntries(outputs.map((name) => [name, data(name)])) };
  }

  function copy({ step: done, parameters, firstMoment, secondMoment }: TrainingState): TrainingState {
    const [p, m, v] = [parameters, firstMoment, secondMoment].map((vector) => {
      if (vector.length !== initial.length)
        throw new Error(
          `training: a state of ${vector.length} parameters is not of this network, which has ${initial.length}`,
        );
      return vector.slice();
    });
    return { step: done, parameters: p!, firstMoment: m!, secondMoment: v! };
  }

  return {
    step,
    parameters: () =>
      new Map(packing.map(({ name, offset, length }) => [name, now.parameters.slice(offset, offset + length)])),
    packed: () => now.parameters,
    state: () => copy(now),
    restore(state) {
      now = copy(state);
    },
    release: () => session.release(),
  };
}
