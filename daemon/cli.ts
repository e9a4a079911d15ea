/** The command line. Each command is a file in `commands/`, loaded when it is asked for. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { suites } from '../learning/suites/registry.js';
import { packageVersion } from './package-root.js';

/** The configuration is wrong: systemd must not start the service again (see the unit). */
const badConfiguration = 2;

const program = new Command('babel-gateway')
  .description('Edge sensing gateway: live sensors in, activity labels over MQTT out.')
  .version(packageVersion())
  // Options of a suite are its own, not those of evaluate --all, which are called the same.
  .enablePositionalOptions()
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

const names = (text: string): string[] => text.split(',').map((name) => name.trim());

/** What `pretrain` and `evaluate` share. */
function trainingOptions(command: Command, train: string, test: string): Command {
  return command
    .requiredOption('--data <dir>', 'folder of the data set, or the one that holds it (docs/datasets.md)')
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

const cache = () =>
  new Option('--cache <dir>', 'folder for features and encoder outputs, which take long to make').default(
    '.checkpoints/cache',
  );

/** What all evaluation suites share. */
function suiteOptions(command: Command): Command {
  return command
    .option('--train <subjects>', "subjects to train on (default: the suite's)", list)
    .option('--test <subjects>', "subjects to test on (default: the suite's)", list)
    .option('--seed <n>', 'seed of all that is random', whole)
    .option('--seeds <list>', 'several seeds: mean and spread, for instance 0,1,2', list)
    .option('--epochs <n>', "passes over the training part (default: the suite's)", atLeastOne)
    .option('--threads <n>', 'threads', atLeastOne, 2)
    .addOption(cache())
    .addOption(json());
}

/** What `align` and `grow` share. */
function alignmentOptions(command: Command): Command {
  return command
    .option('--data <dir>', 'folder that holds the data sets (docs/datasets.md)')
    .option('--recordings <files...>', 'MCAP files of your own sensors, which `record` wrote')
    .option('--by-label', 'pair by label what was not recorded together; tables say so', false)
    .option('--encoder <name=dir>', 'a frozen encoder of your own; may be given again', collect, [])
    .option('--train <subjects>', "subjects to learn from (default: the data set's usual ones)", list)
    .option('--test <subjects>', 'subjects to measure on, never learned from', list)
    .option('--versions <n>', 'the recording itself and so many less one augmented copies', atLeastOne, 8)
    .option('--epochs <n>', 'passes over the pairs', atLeastOne)
    .option('--batch <n>', 'pairs of a step', atLeastOne)
    .option('--learning-rate <rate>', 'the highest', aboveZero)
    .option('--remember <rows>', 'encoder outputs of each sensor that later growths hold', atLeastOne, 2000)
    .option('--no-labels', 'look at no label: no head, no towers with classes')
    .option('--seed <n>', 'seed of all that is random', whole, 0)
    .option('--threads <n>', 'threads', atLeastOne, 2)
    .addOption(cache())
    .option('--checkpoints <dir>', 'where an interrupted learning is kept, and gone on from', '.checkpoints')
    .requiredOption('--output <dir>', 'folder for the aligned trunk and its towers')
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
  .description("train one sensor's tower on a data set; write it to a folder that a configuration can name")
  .addOption(
    new Option('--modality <name>', 'which sensor: imu, skeleton and depth on UTD-MHAD, mmwave on MARS, wifi on WiAR')
      .choices(['imu', 'skeleton', 'depth', 'mmwave', 'wifi'])
      .default('imu'),
  )
  .option('--members <n>', 'all but imu: encoders side by side (default: as their recipes)', atLeastOne)
  .option(
    '--calibrate-on <subject>',
    'train one encoder without this one of the subjects first, to find how sure the tower may be of people it does not know',
    whole,
  )
  .addOption(cache())
  .requiredOption('--output <dir>', 'folder for the tower')
  .action(async (options: { modality: string }, command: Command) => {
    if (options.modality === 'imu') return (await import('./commands/pretrain.js')).pretrain(options as never);
    const peopleGiven = ['train', 'test'].some((name) => command.getOptionValueSource(name) === 'cli');
    return (await import('./commands/pretrain-tower.js')).pretrainTower(options as never, peopleGiven);
  });

const evaluate = program
  .command('evaluate')
  .description('measure on recordings of which the truth is known: one suite, or --all (docs/learning.md)')
  .enablePositionalOptions()
  .argument('[suite]')
  .option('--all', 'run every suite, and write tables and pictures')
  .option('--data <dir>', 'of --all: folder that holds the data sets')
  .option('--report <file>', 'of --all: where to', 'docs/results.md')
  .action(async (suite: string | undefined, options: { all?: boolean; data?: string }, command: Command) => {
    if (suite !== undefined)
      command.error(`error: there is no suite '${suite}', but ${command.commands.map((one) => one.name()).join(', ')}`);
    if (!options.all) command.error('error: name a suite, or --all (--help shows them)');
    if (options.data === undefined) command.error('error: --all needs the folder of the data sets, --data <dir>');
    await (await import('./commands/evaluate-suites.js')).evaluateAll(options as never);
  });
suiteOptions(evaluate);

trainingOptions(evaluate.command('utd-mhad'), '1,3,5,7', '2,4')
  .description('train a tower from nothing on some subjects, or take one that is there, and test it on others')
  .addOption(new Option('--modalities <list>', 'only this tower, with its figures').choices(['imu']).default('imu'))
  .option('--tower <dir>', 'test this tower; nothing is trained ("shipped": the one that comes with the gateway)')
  .option('--seeds <list>', 'of the suite: several seeds, mean and spread', list)
  .addOption(cache())
  .action(async (options: Record<string, unknown>, command: Command) => {
    const given = (name: string) => command.getOptionValueSource(name) === 'cli';
    const ofOneTower = given('modalities') || given('tower') || !suites['utd-mhad'];
    if (ofOneTower) return (await import('./commands/evaluate.js')).evaluate(options as never);
    const seed = given('seed') ? options['seed'] : undefined;
    return (await import('./commands/evaluate-suites.js')).evaluateSuite('utd-mhad', { ...options, seed } as never);
  });

for (const [name, { title }] of Object.entries(suites))
  if (name !== 'utd-mhad')
    suiteOptions(evaluate.command(name).description(title))
      .requiredOption('--data <dir>', 'folder of the data set, or the one that holds it (docs/datasets.md)')
      .action(async (options) => (await import('./commands/evaluate-suites.js')).evaluateSuite(name, options as never));

evaluate
  .command('motion')
  .description('the Wi-Fi motion index, untrained, on ESP32 recordings of a quiet room and of one with motion')
  .requiredOption('--data <dir>', 'folder of baseline_*.i8, movement_*.i8, test_*.i8 (docs/wifi-motion.md)')
  .addOption(json())
  .action(async (options: { data: string; json: boolean }) =>
    (await import('./commands/evaluate-motion.js')).evaluateMotion(options),
  );

alignmentOptions(program.command('align'))
  .description('align the encoders of several sensors in one space, pair by pair (docs/learning.md)')
  .requiredOption('--pairs <list>', 'for instance imu:skeleton,skeleton:depth')
  .option(
    '--temperature <name=number>',
    'calibration of one sensor that was measured elsewhere; may be given again',
    collect,
    [],
  )
  .action(async (options) => (await import('./commands/align.js')).align(options as never));

alignmentOptions(program.command('grow'))
  .description('add a kind of sensor to an aligned trunk, from pairs of it and one that is there')
  .requiredOption('--new <name>', 'what is added')
  .requiredOption('--via <name>', 'what it is recorded together with')
  .option('--trunk <dir>', 'folder that `align` or `grow` wrote', 'shipped')
  .action(async (options) => (await import('./commands/grow.js')).grow(options as never));

const teach = program
  .command('teach')
  .description('add a class by a few seconds of what sensors saw: in the running gateway, or in a recording')
  .requiredOption('--label <text>', 'what it was, for instance "brushing teeth"')
  .optionsGroup('In the running gateway, "the last 10 s in the bathroom":')
  .option('--place <name>', 'where; its towers learn it, and are in use at once')
  .option('--last <seconds>', 'how long it lasted', aboveZero)
  .option('--ago <seconds>', 'how long ago it ended', notNegative, 0)
  .addOption(config())
  .optionsGroup('In a recording, "from 20 s on, 10 s long":')
  .option('--recording <file>', 'MCAP file that `record` wrote')
  .option('--from <seconds>', "where it begins, from the recording's beginning", notNegative)
  .option('--seconds <n>', 'how long it lasts', aboveZero)
  .option('--tower <dir>', 'folder of a tower, or of a trunk, all towers of which learn it')
  .option('--output <dir>', 'folder for the tower or trunk that knows it; may be the same')
  .option('--threads <n>', 'threads', atLeastOne, 2)
  .optionsGroup('Options:')
  .option('--sensor <name>', 'only this sensor')
  .addOption(
    new Option('--rest <what>', 'what the rest of the recording, or of the last two minutes, is')
      .choices(['other', 'unknown'])
      .default('other'),
  )
  .addOption(json())
  .action(async (options: Record<string, unknown>) => {
    const live = ['place', 'last'];
    const recorded = ['recording', 'from', 'seconds', 'tower', 'output'];
    const given = (of: readonly string[]) => of.filter((name) => options[name] !== undefined);
    const whole = [live, recorded].find((of) => given(of).length === of.length);
    if (!whole || given(live).length > 0 === given(recorded).length > 0)
      teach.error(
        `error: teach needs --${live.join(' and --')} for the running gateway, or --${recorded.join(', --')} for a recording`,
      );
    if (whole === live) await (await import('./commands/teach-live.js')).teachLive(options as never);
    else await (await import('./commands/teach.js')).teach(options as never);
  });

program
  .command('explain')
  .description('an aligned trunk as PNG pictures: its space before and after, and the weights of the alignment')
  .requiredOption('--trunk <dir>', 'folder that `align` or `grow` wrote')
  .option('--data <dir>', 'data set whose windows are embedded; without it only the weights are drawn')
  .option('--subjects <list>', 'whose windows (default: those who were never trained on)', list)
  .option('--activities <list>', 'up to ten, with commas between them (default: spread over all)', names)
  .option('--points <n>', 'at most so many points', atLeastOne, 800)
  .option('--perplexity <n>', 'of t-SNE: neighbours that count as near', aboveZero, 30)
  .requiredOption('--output <dir>', 'folder for the pictures')
  .option('--seed <n>', 'seed of all that is random', whole, 0)
  .option('--threads <n>', 'threads', atLeastOne, 2)
  .addOption(cache())
  .addOption(json())
  .action(async (options) => (await import('./commands/explain.js')).explain(options as never));

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

const models = program
  .command('models')
  .description('see, bring, change, take back or delete the models of the running gateway');

models
  .command('list')
  .description('which models are in use, and which lie in the store')
  .addOption(config())
  .addOption(json())
  .action(async (options) => (await import('./commands/models.js')).listModels(options as never));

models
  .command('install')
  .description('send a tower to the gateway, which proves it and puts it into its store')
  .argument('<folder>', 'of a tower: manifest.json and its two ONNX files')
  .option('--name <name>', "in the store; default: the tower's own")
  .addOption(config())
  .addOption(json())
  .action(async (folder: string, options) =>
    (await import('./commands/models.js')).installModel(folder, options as never),
  );

models
  .command('activate')
  .description('take a tower of the store into use, between two windows')
  .argument('<name>')
  .addOption(config())
  .addOption(json())
  .action(async (name: string, options) =>
    (await import('./commands/models.js')).activateModel(name, options as never),
  );

models
  .command('rollback')
  .description('go back to the tower that was in use before')
  .argument('<modality>')
  .addOption(config())
  .addOption(json())
  .action(async (modality: string, options) =>
    (await import('./commands/models.js')).rollbackModel(modality, options as never),
  );

models
  .command('remove')
  .description('delete a tower of the store that is not in use')
  .argument('<name>')
  .addOption(config())
  .addOption(json())
  .action(async (name: string, options) => (await import('./commands/models.js')).removeModel(name, options as never));

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
