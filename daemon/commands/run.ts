/** `babel-gateway run` */
import { loadConfig } from '../config.js';
import { findConfigFile } from '../config-file.js';
import { startGateway } from '../gateway.js';
import { createLogger } from '../log.js';
import { createTerminal } from '../terminal.js';

/** Runs until a signal; the process then ends with status 0. */
export async function run({ config: named }: { config?: string }): Promise<void> {
  const config = await loadConfig(findConfigFile(named));
  // Under systemd, standard output is the journal, where a label each half second is in everybody's way.
  const switching = `npx babel-gateway modalities${named === undefined ? '' : ` --config ${named}`}`;
  const terminal = process.env['NOTIFY_SOCKET'] ? undefined : createTerminal({ switching });
  const log = createLogger(config.log.level, process.stderr.isTTY ? terminal : undefined);

  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'a fault of babel-gateway, please report it');
    log.flush(() => process.exit(1));
  });

  // Before anything is started: a stop that comes early must not be lost.
  const stopAsked = new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.on(signal, () => {
        resolve(signal);
      });
  });
  const gateway = await startGateway(config, { log, terminal });
  process.on('SIGHUP', () => {
    loadConfig(findConfigFile(named))
      .then((next) => gateway.reload(next))
      .then(() => log.info('the configuration was read again'))
      .catch((error: unknown) => log.error(`the configuration was read again, but: ${(error as Error).message}`));
  });
  await gateway.stop(await stopAsked);
  terminal?.close();
  process.exit();
}
