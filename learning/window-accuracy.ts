/** How many windows of recordings a classifier puts into the right class. */
import type { Weights } from '../models/weights.js';
import { likeliest } from './suites/suite.js';
import { openClassifier } from './window-classifier.js';
import type { ClassifierDesign } from './window-classifier.js';

/**
 * @param design of a network that reads `window` alone
 * @param windowsOf the windows of a recording, one after another, and how many; one that is shorter than a window may have none
 */
export async function windowAccuracy<Example extends { readonly classIndex: number }>(
  design: ClassifierDesign,
  members: readonly Weights[],
  examples: readonly Example[],
  windowsOf: (example: Example) => { readonly windows: Float32Array; readonly count: number },
  threads: number,
): Promise<{ right: number; all: number }> {
  const classifier = await openClassifier(design, members, threads);
  let right = 0;
  let all = 0;
  for (const example of examples) {
    const { windows, count } = windowsOf(example);
    const [probabilities] = await classifier.run({ window: windows }, count);
    for (let i = 0; i < count; i++) if (likeliest(probabilities!, i, design.classes) === example.classIndex) right++;
    all += count;
  }
  await classifier.release();
  return { right, all };
}
