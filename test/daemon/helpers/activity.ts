import type { SensorHealth } from '../../../daemon/topics.js';
import type { Activity } from '../../../daemon/publisher.js';

/** A message about made-up windows, one a second. */
export function activity(name: string, second = 0, confidence = 0.9): Activity {
  const time = (offset: number) => new Date(Date.UTC(2025, 0, 1) + (second + offset) * 1000).toISOString();
  return {
    activity: name,
    confidence,
    since: time(0),
    modalities: ['imu'],
    sensors: ['wrist'],
    contributions: [],
    absent: [],
    probabilities: { [name]: confidence },
    window: { start: time(0), end: time(2) },
    virtual: true,
    recorded: false,
  };
}

export function health(state: SensorHealth['state'], frames = 0): SensorHealth {
  return {
    state,
    since: new Date(Date.UTC(2025, 0, 1)).toISOString(),
    driver: 'witmotion-wt901',
    transport: 'tcp',
    place: 'living-room',
    virtual: true,
    recorded: false,
    frames,
    frameRate: 100,
    bytes: frames * 22,
    skippedBytes: 0,
    failures: {},
    reconnects: 0,
  };
}
