/** A child process of `startProbe`: tries each tower on one provider beside the CPU, reports, and may crash in doing so. */
import { windowLength } from './manifest.js';
import { disagreement, medianMilliseconds, trialWindows } from './provider-trial.js';
import { reasonOf } from './providers.js';
import type { FromProbe, ToProbe } from './provider-choice.js';
import { openTower } from './tower-session.js';
import type { TowerSession } from './tower-session.js';

interface Tried {
  readonly session: TowerSession;
  readonly cpu: TowerSession;
  readonly window: Float32Array;
}

const tried: (Tried | undefined)[] = [];
const tell = (message: FromProbe) => process.send!(message);

async function attempt({ provider, towers, threads }: Extract<ToProbe, { kind: 'try' }>): Promise<void> {
  for (const tower of towers) {
    try {
      const session = await openTower(tower, provider, 1);
      const cpu = await openTower(tower, 'cpu', threads);
      const windows = trialWindows(4, windowLength(tower.manifest));
      const reason = await disagreement(session, cpu, windows);
      tried.push(reason === undefined ? { session, cpu, window: windows[0]! } : undefined);
      tell({ kind: 'tried', reason });
    } catch (error) {
      tried.push(undefined);
      tell({ kind: 'tried', reason: reasonOf(error) });
    }
  }
}

async function measure(): Promise<void> {
  for (const one of tried) {
    if (!one) {
      tell({ kind: 'measured' });
      continue;
    }
    const { session, cpu, window } = one;
    const milliseconds = await medianMilliseconds(() => session.run(window, 1));
    tell({ kind: 'measured', milliseconds, cpu: await medianMilliseconds(() => cpu.run(window, 1)) });
  }
}

process.on('message', (message: ToProbe) => {
  void (message.kind === 'try' ? attempt(message) : measure());
});
