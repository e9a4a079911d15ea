/** What is missing on this machine for a configuration, each thing tried for real, each with its remedy. */
import { join } from 'node:path';
import { allSensors } from '../config.js';
import type { Config } from '../config.js';
import { packageRoot } from '../package-root.js';
import { checkBroker } from './broker.js';
import { note } from './finding.js';
import type { Finding } from './finding.js';
import { dataDirectory, groups, nodeVersion, udevRule } from './machine.js';
import { models, shippedTower } from './models.js';
import { examineSensor } from './sensor.js';
import { serialPorts } from './serial-ports.js';
import { service } from './service.js';

/** Looks at one thing after the other and gives each finding as soon as it is there. Throws nothing. */
export async function* examine(config: Config): AsyncGenerator<Finding> {
  yield nodeVersion();
  yield await dataDirectory(config);
  yield* groups(config);
  const sensors = allSensors(config);
  if (sensors.some(({ sensor }) => sensor.transport?.type === 'serial')) yield await udevRule();
  yield* service(config);
  const broker = await checkBroker(config);
  try {
    yield broker.finding;
    yield* models(config);
    // All at once, as in the gateway: two that want the same port do not go together.
    const examined = sensors.map(({ name, place, sensor }) => examineSensor(name, place, sensor));
    for (const one of examined) yield* await one;
  } finally {
    await broker.close();
  }
}

/** For a machine that has no configuration yet. Throws nothing. */
export async function* examineMachine(): AsyncGenerator<Finding> {
  yield note(
    'configuration',
    `no configuration yet: copy ${join(packageRoot, 'examples', 'home.yaml')} to babel-gateway.yaml here, and name your sensors in it`,
  );
  yield nodeVersion();
  yield await udevRule();
  yield* serialPorts();
  yield* shippedTower();
}
