/** Pipeline steps: what each costs, the same work in NumPy in the same run where it is the peer, and all together in real time. */
import { pipelinesCamera } from './pipelines-camera.js';
import { pipelinesImu } from './pipelines-imu.js';
import { pipelinesLidar } from './pipelines-lidar.js';
import { pipelinesLive } from './pipelines-live.js';
import { radarCubeSteps, radarPointSteps } from './pipelines-radar-steps.js';
import { measureRadarCube } from './pipelines-radar.js';
import { pipelinesWifi } from './pipelines-wifi.js';

/** @param seconds that the five modalities run together */
export async function pipelines({ json, seconds = 10 }: { json: boolean; seconds?: number }): Promise<void> {
  const groups = [
    async () => [await measureRadarCube()],
    radarCubeSteps,
    radarPointSteps,
    pipelinesWifi,
    pipelinesLidar,
    pipelinesCamera,
    pipelinesImu,
    async () => [await pipelinesLive(seconds)],
  ];
  for (const group of groups) {
    const measured = await group();
    if (json) for (const one of measured) console.log(JSON.stringify(one));
    else console.table(measured);
  }
}
