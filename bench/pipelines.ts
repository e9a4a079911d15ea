/** Pipeline steps: what each costs, and the same work in NumPy in the same run. */
import { measureRadarCube } from './pipelines-radar.js';
import { pipelinesWifi } from './pipelines-wifi.js';

export async function pipelines({ json }: { json: boolean }): Promise<void> {
  const measured = [await measureRadarCube(), ...(await pipelinesWifi())];
  if (json) for (const one of measured) console.log(JSON.stringify(one));
  else console.table(measured);
}
