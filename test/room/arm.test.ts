import t from 'tap';
import { sensedMotion, standardGravity, wristPose } from '../../room/arm.js';
import type { ArmPosture, Vector } from '../../room/arm.js';

const right = Math.PI / 2;
const hanging: ArmPosture = { elevation: 0, azimuth: 0, twist: 0, elbow: 0, pronation: 0 };
const near = (found: Vector, wanted: Vector, tolerance = 1e-6) =>
  found.every((value, i) => Math.abs(value - wanted[i]!) < tolerance);

void t.test('where up is, in the sensor, by anatomy', (t) => {
  const up = (posture: Partial<ArmPosture>) =>
    sensedMotion(() => wristPose({ ...hanging, ...posture }), 0).acceleration.map((a) => a / standardGravity);
  const postures: [string, Partial<ArmPosture>, Vector][] = [
    ['hanging: x points down', {}, [-1, 0, 0]],
    ['forward, thumb up: y points down', { elevation: right }, [0, -1, 0]],
    ['forward, palm down: z points down', { elevation: right, pronation: right }, [0, 0, -1]],
    ['forearm bent up: x points up', { elevation: right, elbow: right }, [1, 0, 0]],
    ['forearm forward, palm up', { elbow: right, pronation: -right }, [0, 0, 1]],
    ['an arm that points to the left is level', { elevation: right, azimuth: right }, [0, -1, 0]],
  ];
  for (const [name, posture, wanted] of postures) t.ok(near(up(posture) as unknown as Vector, wanted), name);
  t.end();
});

void t.test('where the wrist is', (t) => {
  const at = (posture: Partial<ArmPosture>) => wristPose({ ...hanging, ...posture }).position;
  t.ok(near(at({}), [0, 0, -0.54]), 'below the shoulder');
  t.ok(near(at({ elevation: right }), [0.54, 0, 0]), 'before it');
  t.ok(near(at({ elevation: right, azimuth: right }), [0, 0.54, 0]), 'to its left');
  t.ok(near(at({ elbow: right, twist: right }), [0, 0.25, -0.29]), 'before the belly');
  t.end();
});

void t.test('a steady swing is a circle: centripetal acceleration and the rate about one axis', (t) => {
  const rate = 3; // rad/s
  for (const time of [0, 0.1, 0.4]) {
    const { acceleration, angularRate } = sensedMotion((at) => wristPose({ ...hanging, elevation: rate * at }), time);
    const angle = rate * time;
    // x points away from the shoulder, y back over the shoulder; raising turns about −z, the left.
    const wanted: Vector = [
      -standardGravity * Math.cos(angle) - 0.54 * rate ** 2,
      -standardGravity * Math.sin(angle),
      0,
    ];
    t.ok(near(acceleration, wanted, 1e-4), `acceleration at ${time} s`);
    t.ok(near(angularRate, [0, 0, -rate], 1e-5), `rate at ${time} s`);
  }
  t.end();
});
