/** How far a command is: a bar on a terminal, else nothing. */
import { Presets, SingleBar } from 'cli-progress';

export function createReadingBar(stream: NodeJS.WriteStream = process.stderr) {
  let bar: SingleBar | undefined;
  let stage: string | undefined;
  return {
    update(name: string, done: number, all: number): void {
      if (!stream.isTTY) return;
      if (name !== stage) {
        bar?.stop();
        stage = name;
        const format = `{stage}  {bar} {percentage} %  {eta_formatted} left`;
        bar = new SingleBar({ stream, format, hideCursor: true, clearOnComplete: true }, Presets.shades_classic);
        bar.start(all, 0, { stage: name });
      }
      bar!.update(Math.min(done, all));
    },
    end(): void {
      bar?.stop();
      bar = stage = undefined;
    },
  };
}
