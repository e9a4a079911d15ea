/** Whether WebGPU computes what the CPU computes, and how fast each is, for every shipped tower and every encoder that is not trained yet. */
import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { modalities } from '../drivers/frames.js';
import { hasShippedTower, loadTower, shippedTowerDirectory } from '../models/store.js';
import { findAdapter, noAdapter } from './adapter.js';
import type { Result, Task } from './providers-child.js';
import { encoders } from './towers.js';

/** Seconds that one tower may take: in software, compiling its shaders takes most. */
const limit = 300;

function compareApart(task: Task): Promise<Result | { error: string }> {
  return new Promise((resolve) => {
    // onnxruntime and drivers print what they miss.
    const child = fork(new URL('./providers-child.js', import.meta.url), {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    const end = (result: Result | { error: string }) => {
      clearTimeout(timer);
      child.removeAllListeners('exit');
      child.kill('SIGKILL');
      resolve(result);
    };
    const timer = setTimeout(() => end({ error: `no answer within ${limit} s` }), limit * 1000);
    child.once('message', (result) => end(result as Result));
    child.once('exit', (code, signal) => end({ error: `it crashed (${signal ?? `exit code ${code}`})` }));
    child.send(task);
  });
}

/** @param seconds for the windows of each tower, and for measuring each provider */
export async function providers({ json, seconds = 5 }: { json: boolean; seconds?: number }): Promise<void> {
  const adapter = await findAdapter();
  if (!adapter) throw new Error(noAdapter);
  const data = process.env['SENSING_DATA'];
  const folder = data === undefined ? undefined : join(data, 'utd-mhad');
  const recordings = folder !== undefined && existsSync(folder) ? folder : undefined;

  const shipped = modalities.filter(hasShippedTower);
  const tasks: { name: string; modality: string; trained: boolean; tower: Task['tower'] }[] = [];
  for (const modality of shipped) {
    const { manifest } = await loadTower(shippedTowerDirectory(modality));
    tasks.push({ name: manifest.name, modality, trained: true, tower: { shipped: modality } });
  }
  for (const { name, modality } of encoders)
    if (!shipped.includes(modality)) tasks.push({ name, modality, trained: false, tower: { encoder: name } });

  const rows: object[] = [];
  for (const { name, modality, trained, tower } of tasks) {
    const result = await compareApart({ tower, recordings, windows: 27, seconds });
    const row = { bench: 'providers', tower: name, modality, trained, adapter, ...result };
    if (json) console.log(JSON.stringify(row));
    const { milliseconds, ...others } = { milliseconds: undefined, ...row };
    rows.push({ ...others, ...(milliseconds as object | undefined) });
  }
  if (!json) console.table(rows);
}
