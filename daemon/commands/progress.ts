/** How far a training is: a bar on a terminal, else a line now and then, on standard error. */
import { Presets, SingleBar } from 'cli-progress';
import type { Progress } from '../../learning/train.js';

const linePeriod = 10_000;

/** @returns what to call at each step of each stage, and at the end */
export function createProgress(stream: NodeJS.WriteStream = process.stderr) {
  let bar: SingleBar | undefined;
  let stage: string | undefined;
  let began = 0;
  let first = 0;
  let lastLine = 0;

  function begin(name: string, { step, steps }: Progress): void {
    bar?.stop();
    stage = name;
    began = Date.now();
    first = step;
    lastLine = began;
    if (!stream.isTTY) return;
    const format = `{stage}  {bar} {percentage} %  step {value} of {total}  {rate} steps/s  {left} left{loss}`;
    bar = new SingleBar({ stream, format, hideCursor: true, clearOnComplete: false }, Presets.shades_classic);
    bar.start(steps, step, { stage: name, rate: '–', left: '–', loss: '' });
  }

  return {
    update(name: string, progress: Progress): void {
      const { step, steps, loss } = progress;
      if (name !== stage) begin(name, progress);
      const rate = (step - first) / ((Date.now() - began) / 1000);
      const left = rate > 0 ? duration((steps - step) / rate) : '–';
      const figures = {
        stage: name,
        rate: rate.toFixed(1),
        left,
        loss: Number.isNaN(loss) ? '' : `, loss ${loss.toFixed(3)}`,
      };
      if (bar) bar.update(step, figures);
      else if (Date.now() - lastLine > linePeriod) {
        lastLine = Date.now();
        stream.write(`${name}: step ${step} of ${steps}, ${figures.rate} steps/s, ${left} left${figures.loss}\n`);
      }
    },
    end(): void {
      bar?.stop();
      bar = stage = undefined;
    },
  };
}

function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}
