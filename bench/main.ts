/** Benchmarks: `npm run bench -- NAME [--json] [--seconds N]`. Speeds are compared with a peer in the same run, since machines are noisy. */
import { Command, InvalidArgumentError } from 'commander';

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('a number above 0');
  return value;
}

const program = new Command('bench').description('Measures; asserts nothing.').showHelpAfterError();

program
  .command('decode')
  .description("how fast each driver decodes, beside its device's full rate, and what it allocates")
  .argument('[driver...]', 'these drivers only')
  .option('--json', 'one JSON line a driver', false)
  .option('--seconds <n>', 'processor time for each, at least', positive, 2)
  .action(async (only: string[], options: { json: boolean; seconds: number }) =>
    (await import('./decode.js')).decode({ ...options, only }),
  );

program
  .command('ingest')
  .description('frames lost, and processor time used, by the gateway with five devices at once')
  .option('--json', 'one JSON line', false)
  .option('--seconds <n>', 'how long all send together', positive, 300)
  .action(async (options: { json: boolean; seconds: number }) => (await import('./ingest.js')).ingest(options));

program
  .command('latency')
  .description('milliseconds from the last byte of a window to its label at a subscriber')
  .option('--json', 'one JSON line', false)
  .option('--seconds <n>', 'how long to measure', positive, 60)
  .action(async (options: { json: boolean; seconds: number }) => (await import('./latency.js')).latency(options));

program
  .command('fusion')
  .description(
    'milliseconds from the end of a window to the fused label, for each set of the shipped towers, and processor time',
  )
  .option('--json', 'one JSON line a set, and one of the processor time', false)
  .option('--seconds <n>', 'how long to measure each set', positive, 60)
  .action(async (options: { json: boolean; seconds: number }) => (await import('./fusion.js')).fusion(options));

program
  .command('hotswap')
  .description('windows lost or doubled, and memory, while the modality set and the towers of a running gateway change')
  .option('--json', 'one JSON line', false)
  .option('--seconds <n>', '200 changes and 20 exchanges in 600; in proportion', positive, 600)
  .action(async (options: { json: boolean; seconds: number }) => (await import('./hotswap.js')).hotswap(options));

program
  .command('sessions')
  .description('memory of a process that opens and closes the shipped towers again and again')
  .option('--json', 'one JSON line each', false)
  .option('--times <n>', 'how often', positive, 200)
  .action(async (options: { json: boolean; times: number }) => (await import('./sessions.js')).sessions(options));

program
  .command('pipelines')
  .description('microseconds and allocated bytes of pipeline steps, beside NumPy')
  .option('--json', 'one JSON line a step', false)
  .option('--seconds <n>', 'how long the five modalities run together', positive, 10)
  .action(async (options: { json: boolean; seconds: number }) => (await import('./pipelines.js')).pipelines(options));

program
  .command('ffts')
  .description('FFTs that the pipelines could use, side by side (docs/fft.md)')
  .option('--json', 'one JSON line each', false)
  .action(async ({ json }: { json: boolean }) => {
    const measured = (await import('./ffts.js')).measureFfts();
    if (json) for (const one of measured) console.log(JSON.stringify(one));
    else console.table(measured);
  });

program
  .command('training')
  .description('a training step of the IMU tower beside the same network in PyTorch')
  .option('--json', 'one JSON line', false)
  .option('--threads <n>', 'threads on both sides', positive, 2)
  .option('--steps <n>', 'steps of each, in turn', positive, 60)
  .action(async (options: { json: boolean; threads: number; steps: number }) =>
    (await import('./training.js')).training(options),
  );

program
  .command('alignment')
  .description('a step of alignment beside the same in PyTorch, and one growth on 5,000 pairs')
  .option('--json', 'one JSON line', false)
  .option('--threads <n>', 'threads on both sides', positive, 2)
  .option('--steps <n>', 'steps of each, in turn', positive, 60)
  .action(async (options: { json: boolean; threads: number; steps: number }) =>
    (await import('./alignment.js')).alignment(options),
  );

program
  .command('towers')
  .description('milliseconds a window on one thread, and parameters, of each encoder and each shipped tower')
  .option('--json', 'one JSON line each', false)
  .option('--repetitions <n>', 'windows of each', positive, 100)
  .action(async (options: { json: boolean; repetitions: number }) => (await import('./towers.js')).towers(options));

program
  .command('providers')
  .description('whether WebGPU computes what the CPU does, and milliseconds of each; in software where no GPU is')
  .option('--json', 'one JSON line a tower', false)
  .option('--seconds <n>', 'for the windows of each tower, and for measuring each provider', positive, 20)
  .action(async (options: { json: boolean; seconds: number }) => (await import('./providers.js')).providers(options));

program
  .command('virtual-body')
  .description(
    'how far the shipped towers recognise the virtual body: each kind of sensor, and each set with one left out',
  )
  .option('--json', 'one JSON line each', false)
  .option('--seconds <n>', 'of performance, for each set', positive, 400)
  .action(async (options: { json: boolean; seconds: number }) =>
    (await import('./virtual-body.js')).virtualBody(options),
  );

await program.parseAsync().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
