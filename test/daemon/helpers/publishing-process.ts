/** A process that hands over one activity change after the other and prints each one's name once it is stored, to be killed.
 *
 *    node publishing-process.js URL OUTBOX-DIRECTORY PREFIX COUNT */
import { createPublisher } from '../../../daemon/publisher.js';
import { activity } from './activity.js';
import { silentLog } from './log.js';

const [url, outboxDirectory, prefix, count] = process.argv.slice(2) as [string, string, string, string];
const publisher = await createPublisher({ gateway: 'home', url, outboxDirectory, log: silentLog });
publisher.publishStatus({ version: '0.0.0' });
for (let i = 0; i < Number(count); i++) {
  await publisher.publishActivity('living-room', activity(`${prefix}${i}`, i), { change: true });
  process.stdout.write(`${prefix}${i}\n`);
}
// From here on it only stays connected, until it is killed.
