/** The evaluation suites: what each measures, where its recordings lie, and its code, loaded when it is asked for. */
import type { SuiteLine, SuiteRequest } from './suite.js';

export interface Suite {
  readonly title: string;
  /** Data sets that it reads, as folders are called. */
  readonly datasets: readonly string[];
  readonly load: () => Promise<{ run(request: SuiteRequest & { readonly cache?: string }): Promise<SuiteLine[]> }>;
}

export const suites: Readonly<Record<string, Suite>> = {
  'phone-watch': {
    title: 'a phone’s and a watch’s IMU, five everyday activities, alone and together',
    datasets: ['phone-watch'],
    load: () => import('./phone-watch.js'),
  },
  radhar: {
    title: 'five exercises seen by radar points',
    datasets: ['radhar'],
    load: () => import('./radhar.js'),
  },
};
