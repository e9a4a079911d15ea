import t from 'tap';
import { findAdapter } from '../../bench/adapter.js';
import { modalities } from '../../drivers/frames.js';
import { windowLength } from '../../models/manifest.js';
import { label, largestDifference, trialWindows } from '../../models/provider-trial.js';
import { hasShippedTower, loadTower, shippedTowerDirectory } from '../../models/store.js';
import { openTower } from '../../models/tower-session.js';

// SwiftShader, in software, takes half a minute for a tower's shaders.
const adapter = await findAdapter();
const skip = adapter ? false : 'skipped: no GPU';

for (const modality of modalities.filter(hasShippedTower))
  void t.test(`the ${modality} tower gives on WebGPU what it gives on the CPU`, { skip }, async (t) => {
    t.comment(`adapter: ${adapter}`);
    const tower = await loadTower(shippedTowerDirectory(modality));
    const [window] = trialWindows(1, windowLength(tower.manifest));
    const sessions = [await openTower(tower, 'cpu', 1), await openTower(tower, 'webgpu', 1)];
    const [cpu, webgpu] = [await sessions[0]!.run(window!, 1), await sessions[1]!.run(window!, 1)];
    for (const session of sessions) await session.release();
    const difference = largestDifference(cpu.embedding, webgpu.embedding);
    t.ok(difference < 1e-3, `largest difference ${difference}`);
    t.ok(
      cpu.embedding.some((value) => value !== 0),
      'not because nothing was computed',
    );
    t.equal(label(webgpu), label(cpu));
  });
