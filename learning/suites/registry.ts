/** The evaluation suites: what each measures, where its recordings lie, and its code, loaded when it is asked for. */
import type { SuiteLine, SuiteRequest } from './suite.js';

export interface SuiteModule {
  run(request: SuiteRequest): Promise<SuiteLine[]>;
}

export interface Suite {
  readonly title: string;
  /** Data sets that it reads, as folders are called. */
  readonly datasets: readonly string[];
  readonly load: () => Promise<SuiteModule>;
}

/** Each one's figures, one after another. */
async function together(modules: readonly Promise<SuiteModule>[]): Promise<SuiteModule> {
  const all = await Promise.all(modules);
  return {
    async run(request) {
      const lines: SuiteLine[] = [];
      for (const one of all) lines.push(...(await one.run(request)));
      return lines;
    },
  };
}

export const suites: Readonly<Record<string, Suite>> = {
  'utd-mhad': {
    title: '27 actions with labels, to IMU, skeleton, depth and every mix of them, on people never trained on',
    datasets: ['utd-mhad'],
    load: () => import('./utd-mhad.js'),
  },
  shipped: {
    title:
      'the towers that come with the gateway, each and every mix, fused as it fuses them, on people never trained on',
    datasets: ['utd-mhad'],
    load: () => import('./shipped.js'),
  },
  'few-shot': {
    title: '27 actions from one to five labelled recordings each, nothing else labelled',
    datasets: ['utd-mhad'],
    load: () => import('./few-shot.js'),
  },
  unknown: {
    title: 'five actions that nothing was trained on, told from the 22 that are known',
    datasets: ['utd-mhad'],
    load: () => import('./unknown.js'),
  },
  teach: {
    title: 'an action that is new to the towers, taught by one recording, and what they knew before',
    datasets: ['utd-mhad'],
    load: () => import('./taught.js'),
  },
  retrieval: {
    title: 'what one sensor saw, found among what another saw, on people never trained on',
    datasets: ['utd-mhad'],
    load: () => import('./retrieval.js'),
  },
  growth: {
    title: 'what earlier pairs lose when a sensor is added, in three orders, and what each part of the method is worth',
    datasets: ['utd-mhad', 'mars'],
    load: () => import('./growth.js'),
  },
  mars: {
    title: 'radar points and skeletons of ten movements: retrieval without labels, and a labelled head',
    datasets: ['mars'],
    load: () => together([import('./mars-retrieval.js'), import('./mars-labelled.js')]),
  },
  'phone-watch': {
    title:
      'a phone’s and a watch’s IMU: five everyday activities, alone and together; the phone grown through the watch without a label',
    datasets: ['phone-watch'],
    load: () => together([import('./phone-watch.js'), import('./phone-watch-growth.js')]),
  },
  radhar: {
    title: 'five exercises seen by radar points',
    datasets: ['radhar'],
    load: () => import('./radhar.js'),
  },
  wiar: {
    title: '16 activities seen by Wi-Fi, also in an arrangement of the room that was never trained on',
    datasets: ['wiar'],
    load: () => import('./wiar.js'),
  },
};
