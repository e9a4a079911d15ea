/** A child process of `createInstaller`: takes one request to install a tower from its standard input and proves it. Whatever a
 *  stranger's bytes do (unfold without end, crash onnxruntime), they do it here. */
import { stepBack } from './child.js';
import { proveInstall } from './install-proof.js';
import type { InstallOrder, InstallReply } from './model-install.js';

async function take(order: InstallOrder): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  const tell = (reply: InstallReply) => void process.send!(reply);
  tell(await proveInstall(order, Buffer.concat(chunks), (transaction) => tell({ kind: 'heard', transaction })));
}

await stepBack();
process.once('message', (order) => void take(order as InstallOrder).then(() => process.disconnect()));
