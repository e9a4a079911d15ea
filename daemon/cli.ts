/** The command line. Each command is a file in `commands/`, loaded when it is asked for. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { packageVersion } from './package-root.js';

/** The configuration is wrong: systemd must not start the service again (see the unit). */
const badConfiguration = 2;

const program = new Command('babel-gateway')
  .description('Edge sensing gateway: live sensors in, activity labels over MQTT out.')
  .version(packageVersion())
  .showHelpAfterError('(--help shows what can stand here)')
  .showSuggestionAfterError();

const config = () =>
  new Option('--config <file>', 'the configuration; default: babel-gateway.yaml here, else in /etc/babel-gateway');
const json = () => new Option('--json', 'print JSON, for programs').default(false);

function list(text: string): number[] {
  const numbers = text.split(',').map(Number);
  if (!numbers.every((value) => Number.isInteger(value) && value >= 0))
    throw new InvalidArgumentError('Whole numbers with commas between them, for instance 1,3,5,7.');
  return numbers;
}

function whole(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value) || value < 0)
    throw new InvalidArgumentError('A whole number, 0 or more.');
  return value;
}

function atLeastOne(text: string): number {
  const value = whole(text);
  if (value === 0) throw new InvalidArgumentError('A whole number, 1 or more.');
  return value;
}

function speed(text: string): number | 'fastest' {
  if (text === 'fastest') return text;
  const factor = Number(text);
  if (!(factor > 0)) throw new InvalidArgumentError('A number above 0, or fastest.');
  return factor;
}

function notNegative(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value < Infinity)) throw new InvalidArgumentError('A number, 0 or more.');
  return value;
}

function aboveZero(text: string): number {
  const value = notNegative(text);
  if (value === 0) throw new InvalidArgumentError('A number above 0.');
  return value;
}

function collect(text: string, before: readonly string[]): string[] {
  return [...before, text];
}

/** What `pretrain` and `evaluate` share. */
function trainingOptions(command: Command, train: string, test: string): Command {
  return command
    .requiredOption('--data <dir>', 'folder of UTD-MHAD (docs/datasets.md)')
    .option('--phone-watch <dir>', 'folder of phone-watch; default: beside or in the data folder, where it is there')
    .option('--no-phone-watch', 'pre-train without it')
    .option('--train <subjects>', 'subjects to train on', list, list(train))
    .option('--test <subjects>', 'subjects to test on', list, list(test))
    .option('--seed <n>', 'seed of all that is random', whole, 0)
    .option('--threads <n>', 'threads', atLeastOne, 2)
    .option(
      '--pre-training-epochs <n>',
      'epochs without labels; 0: no pre-training (default: as the shipped tower)',
      whole,
    )
    .option('--epochs <n>', 'epochs with labels (default: as the shipped tower)', atLeastOne)
    .option('--checkpoints <dir>', 'where an interrupted training is kept, and gone on from', '.checkpoints')
    .addOption(json());
}

program
  .command('run')
  .description('run the gateway; SIGTERM or Ctrl-C stops it')
  .addOption(config())
  .action(async (options: { config?: string }) => (await import('./commands/run.js')).run(options));

program
  .command('doctor')
  .description('say what is missing on this machine for the configured sensors, with the remedy')
  .addOption(config())
  .addOption(json())
  .action(async (options: { config?: string; json: boolean }) =>
    (await import('./commands/doctor.js')).doctor(options),
  );

trainingOptions(program.command('pretrain'), '1,3,5,7', '2,4')
  .description('train an IMU tower: without labels, then with them; write it to a folder that a configuration can name')
  .requiredOption('--output <dir>', 'folder for the tower')
  .action(async (options) => (await import('./commands/pretrain.js')).pretrain(options as never));

const evaluate = program.command('evaluate').description('measure on recordings of which the truth is known');

trainingOptions(evaluate.command('utd-mhad'), '1,3,5,7', '2,4')
  .description('train a tower from nothing on some subjects, or take one that is there, and test it on others')
  .addOption(new Option('--modalities <list>', 'which sensors').choices(['imu']).default('imu'))
  .option('--tower <dir>', 'test this tower; nothing is trained ("shipped": the one that comes with the gateway)')
  .action(async (options) => (await import('./commands/evaluate.js')).evaluate(options as never));

evaluate
  .command('motion')
  .description('the Wi-Fi motion index, untrained, on ESP32 recordings of a quiet room and of one with motion')
  .requiredOption('--data <dir>', 'folder of baseline_*.i8, movement_*.i8, test_*.i8 (docs/wifi-motion.md)')
  .addOption(json())
  .action(async (options: { data: string; json: boolean }) =>
    (await import('./commands/evaluate-motion.js')).evaluateMotion(options),
  );

program
  .command('modalities')
  .description('change which kinds of sensor a place fuses in the running gateway')
  .argument('<place>')
  .argument('<set>', 'for instance imu,skeleton; "all": whatever is there')
  .addOption(config())
  .addOption(json())
  .action(async (place: string, set: string, options: { config?: string; json: boolean }) =>
    (await import('./commands/modalities.js')).modalities(place, set, options),
  );

program
  .command('record')
  .description('record the bytes of all configured sensors as MCAP, which Foxglove opens; Ctrl-C ends it')
  .argument('<target>', 'a new file that ends with .mcap, or a folder in which files follow one another')
  .addOption(config())
  .option('--seconds <n>', 'how long', atLeastOne)
  .option('--rotate-megabytes <n>', 'in a folder: the next file after so much', atLeastOne)
  .option('--rotate-seconds <n>', 'in a folder: the next file after so long', atLeastOne)
  .action(async (target: string, options) => (await import('./commands/record.js')).record(target, options as never));

program
  .command('replay')
  .description('play a recording through the gateway, to labels over MQTT; everything says that it is recorded')
  .argument('<file>', 'an MCAP file that `record` wrote')
  .option('--speed <factor>', 'times the speed of the recording, or "fastest"', speed, 1)
  .option('--gateway <name>', 'name in the topics', 'replay')
  .option('--broker <url>', '"embedded", or the address of another', 'embedded')
  .option('--port <n>', 'of the embedded broker', whole, 1883)
  .action(async (file: string, options) => (await import('./commands/replay.js')).replay(file, options as never));

program
  .command('decode')
  .description('decode a capture (pcap, pcapng, raw bytes of a device, or a recording) and say what is in it')
  .argument('<file>')
  .option('--driver <name>', "the device; default: recognised by the file's content")
  .option('--sensor <name>', 'of a recording with several sensors, which one')
  .option('--metadata <file>', "a LiDAR's own description (Ouster: JSON)")
  .option('--profile <file>', "a radar's profile (TI: .cfg)")
  .option('--setting <name=value>', 'a setting of the driver (docs/configuration.md); may be given again', collect, [])
  .option('--npy <dir>', 'write each field of all frames as NumPy files into this folder')
  .addOption(json())
  .action(async (file: string, options) => (await import('./commands/decode.js')).decode(file, options as never));

program
  .command('plot')
  .description('draw a recording or capture as PNG pictures: waveforms, heatmaps, spectrograms, windows (docs/plot.md)')
  .argument('<file>', 'an MCAP recording, or a capture as `decode` takes it')
  .requiredOption('--out <dir>', 'folder for the pictures, <sensor>-<what>.png')
  .option('--driver <name>', "the device; default: recognised by the file's content")
  .option('--sensor <name>', 'of a recording with several sensors, only this one')
  .option('--metadata <file>', "a LiDAR's own description (Ouster: JSON)")
  .option('--profile <file>', "a radar's profile (TI: .cfg)")
  .option('--setting <name=value>', 'a setting of the driver (docs/configuration.md); may be given again', collect, [])
  .option('--from <seconds>', "from here on, in seconds from the file's beginning", notNegative, 0)
  .option('--seconds <n>', 'so much of it; default: to the end', aboveZero)
  .addOption(json())
  .action(async (file: string, options) => (await import('./commands/plot.js')).plot(file, options as never));

await program.parseAsync().catch((error: unknown) => {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  console.error(message);
  process.exitCode = name === 'ConfigError' ? badConfiguration : 1;
});
