/** A child process of `probeProvider`: runs each tower on one provider, reports, and may crash in doing so. */
import { reasonOf } from './providers.js';
import type { ProbeReply, ProbeRequest } from './providers.js';
import { openTower } from './tower-session.js';

async function probe({ provider, towers }: ProbeRequest): Promise<ProbeReply> {
  const reply: (string | undefined)[] = [];
  for (const tower of towers) {
    try {
      const session = await openTower(tower, provider, 1);
      await session.release();
      reply.push(undefined);
    } catch (error) {
      reply.push(reasonOf(error));
    }
  }
  return reply;
}

process.once('message', (request) => {
  void probe(request as ProbeRequest).then((reply) => process.send!(reply));
});
