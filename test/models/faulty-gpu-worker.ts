/**
 * The inference worker with a GPU that fails on demand: `webgpu` computes on the CPU, and the first number of a window says what goes
 * wrong. 1001: the process ends. 1002: the run fails, and every later one. 1003: it hangs. 1004: it gets the signal to end.
 */
import { hostPort } from '../../models/inference-host.js';
import { serveInference } from '../../models/inference-service.js';
import { openTower } from '../../models/tower-session.js';
import type { TowerSession } from '../../models/tower-session.js';

let isLost = false;

serveInference(hostPort(), async (tower, provider, threads): Promise<TowerSession> => {
  if (tower.manifest.name.endsWith('-crash') && provider !== 'cpu') process.abort();
  const session = await openTower(tower, 'cpu', threads);
  if (provider === 'cpu') return session;
  const run = (window: Float32Array, count: number) => {
    const [fault] = window;
    if (fault === 1001) process.kill(process.pid, 'SIGSEGV');
    if (fault === 1004) process.kill(process.pid, 'SIGTERM');
    if (fault === 1003) for (;;);
    isLost ||= fault === 1002;
    if (isLost) return Promise.reject(new Error('Device lost'));
    return session.run(window, count);
  };
  return { run, release: () => session.release() };
});
