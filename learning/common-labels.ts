/** What different data sets call the same. */
const common: Readonly<Record<string, string>> = {
  squats: 'squat',
  'hand clap': 'clap',
  'high throw': 'throw',
  'sit down': 'stand to sit',
  'horizontal arm wave': 'wave',
  'high arm wave': 'wave',
};

/** The label under which recordings of different data sets are paired. */
export const commonLabel = (label: string): string => common[label] ?? label;
