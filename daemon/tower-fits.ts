/** Whether one tower can stand in another one's place. */
import { ModelError, windowShape } from '../models/manifest.js';
import type { Manifest } from '../models/manifest.js';

/** What of a running tower another one must have, too. */
export type Fitting = Pick<Manifest, 'name' | 'window' | 'embedding'>;

/** @throws ModelError if the new tower cannot stand in the old one's place */
export function fits(wanted: Fitting, running: Fitting): void {
  const timing = ({ window: { rate, hop } }: Fitting) => `${rate} Hz every ${hop} samples`;
  const shapes = [wanted, running].map((one) => `[${windowShape(one).join(', ')}] at ${timing(one)}`);
  if (shapes[0] !== shapes[1])
    throw new ModelError(
      `'${wanted.name}' reads windows of ${shapes[0]}, the running '${running.name}' of ${shapes[1]}`,
    );
  if (wanted.embedding.space !== running.embedding.space || wanted.embedding.width !== running.embedding.width)
    throw new ModelError(
      `'${wanted.name}' embeds into the space '${wanted.embedding.space}' [${wanted.embedding.width}], ` +
        `the running '${running.name}' into '${running.embedding.space}' [${running.embedding.width}]: they cannot be fused`,
    );
}
