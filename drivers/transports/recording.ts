/** Plays one sensor's bytes from a recording of this gateway (docs/recordings.md) as if the device sent them now. */
import { z } from 'zod';
import { readRecording, type RecordedMessage, type RecordingEnd } from '../recording/reader.js';
import { play, speedSetting } from './playback.js';
import type { Transport } from './transport.js';

const settings = z.strictObject({
  type: z.literal('recording'),
  file: z.string().min(1).describe('The recording, an MCAP file that `babel-gateway record` wrote.'),
  sensor: z
    .string()
    .min(1)
    .optional()
    .describe('Name of the sensor in the recording; may be left out if there is only one.'),
  speed: speedSetting,
});
export type RecordingSettings = z.infer<typeof settings>;

export const recording = {
  name: 'recording',
  settings,
  async open({ file, sensor, speed }, handlers) {
    const name = `recording ${file}`;
    let end: RecordingEnd | undefined;
    const others = new Set<string>();
    const messages = readRecording(file, (how) => {
      end = how;
    });
    const isWanted = ({ sensor: { sensor: found } }: RecordedMessage) => {
      if (sensor === undefined || found === sensor) return true;
      others.add(found);
      return false;
    };
    /** The next message of the sensor. */
    async function next(): Promise<RecordedMessage | undefined> {
      for (let one = await messages.next(); one.done !== true; one = await messages.next())
        if (isWanted(one.value)) return one.value;
      return undefined;
    }
    // The first one is waited for, so that a wrong file or name is refused here.
    const first = await next();
    if (first === undefined)
      throw new Error(
        others.size > 0
          ? `${name}: there is no sensor ${sensor}; there is ${[...others].join(', ')}`
          : `${name}: there is nothing of a sensor in it${end?.problem === undefined ? '' : `, and ${end.problem}`}`,
      );
    async function* source() {
      try {
        for (let one = first; one !== undefined; one = await next()) {
          if (one.sensor.sensor !== first!.sensor.sensor)
            throw new Error(
              `${name}: there are several sensors, ${first!.sensor.sensor} and ${one.sensor.sensor}: say which one with sensor`,
            );
          yield one;
        }
      } finally {
        await messages.return();
      }
    }
    const ended = () => (end?.problem === undefined ? undefined : `${name} was played to its end; ${end.problem}`);
    const describe = (error: unknown) => (error instanceof Error ? error.message : String(error));
    return play(source(), { name, speed, describe, ended }, handlers);
  },
} satisfies Transport<RecordingSettings>;
