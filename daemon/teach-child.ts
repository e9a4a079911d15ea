/** A child process of `createLiveTeaching`: one more class for one tower. Seconds of arithmetic, which the gateway's thread has not. */
import { stepBack } from './child.js';
import { openTeachable, teachClass } from './learning/teach-tower.js';
import type { TeachOrder, TeachReply } from './live-teaching.js';

async function teach({ directory, output, name, label, examples }: TeachOrder): Promise<TeachReply> {
  try {
    const teachable = await openTeachable(directory, name);
    return { kind: 'taught', lesson: await teachClass(teachable, label, examples, output) };
  } catch (error) {
    return { kind: 'refused', reason: error instanceof Error ? error.message : String(error) };
  }
}

await stepBack();
process.once('message', (order) => {
  void teach(order as TeachOrder).then((reply) => process.send!(reply, () => process.disconnect()));
});
