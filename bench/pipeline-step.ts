/** What one step of a pipeline costs. */
import { allocatedPerCall } from './allocation.js';
import { percentile } from './statistics.js';

export interface StepFigure {
  step: string;
  microsecondsPerFrame: number;
  bytesAllocatedPerFrame: number;
  /** Time of the same work in NumPy over ours; absent where NumPy did not do it. */
  ratioToNumPy?: number;
}

/** A step that allocates is warmed up again, so often. */
const mostWarmUps = 4;

/**
 * Steady state: V8 throws compiled code away when it meets a second instance of something (another cube's WebAssembly kernels: 'wrong
 * call target'), and boxes numbers until it has compiled anew, some hundred slow calls later. So a step that still allocates is warmed
 * up again before it is believed.
 * @param call does the step to the frame of that number; numbers go on from 0
 * @param warmUp calls before, until V8 has compiled
 */
export function measureStep(step: string, call: (frame: number) => void, warmUp = 3000, calls = 50): StepFigure {
  let frame = 0;
  const next = () => call(frame++);
  /** Of a slow step ten seconds are enough. */
  function warm(): void {
    const begin = performance.now();
    for (let i = 0; i < warmUp && (i < 300 || performance.now() - begin < 10_000); i++) next();
  }
  let bytes = NaN;
  for (let i = 0; i < mostWarmUps && !(bytes < 1); i++) {
    warm();
    bytes = allocatedPerCall(next, calls);
  }
  const times = Array.from({ length: 15 }, () => {
    const from = performance.now();
    for (let i = 0; i < calls; i++) next();
    return (1000 * (performance.now() - from)) / calls;
  });
  return {
    step,
    microsecondsPerFrame: percentile(times, 0.5),
    bytesAllocatedPerFrame: Math.max(0, Number(bytes.toFixed(1))),
  };
}
