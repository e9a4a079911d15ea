/** Joints of the people in view, over ZeroMQ, from any program that finds them.
 *
 *     part 1   { "version": 1, "kind": "skeleton", "layout": "kinect-v2", "people": 2, "joints": 25, "id": [4, 7], … }
 *     part 2   float32 little-endian [people, joints, 3] metres, in the camera's axes; NaN: not seen
 *     part 3   optional: float32 [people, joints] confidence, 0 to 1
 *
 *     layout   which joint is which: kinect-v1 (20 joints), kinect-v2 (25), coco (17), or a name of the sender's own
 *     id       optional: the sender's number of each person, the same from picture to picture
 *
 * A picture without people is sent too: people 0, part 2 empty. `message.ts` tells the frame of the message and the other
 * keys. Defined by this project; an example sender: docs/senders/generic.py. Not yet seen on a device.
 */
import { z } from 'zod';
import type { Driver } from '../driver.js';
import type { SkeletonFrame } from '../frames.js';
import { commonHeader, copied, messageDecoder } from './message.js';

const settings = z.strictObject({
  rate: z.number().positive().max(1000).default(30).describe('Pictures a second that the sender sends.'),
});
export type SkeletonZmqSettings = z.infer<typeof settings>;

const [mostPeople, mostJoints] = [64, 256];
const jointsOf: Readonly<Record<string, number | undefined>> = { 'kinect-v1': 20, 'kinect-v2': 25, coco: 17 };

const header = z
  .object({
    ...commonHeader,
    kind: z.literal('skeleton'),
    layout: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,39}$/),
    people: z.int().min(0).max(mostPeople),
    joints: z.int().min(1).max(mostJoints),
    id: z.array(z.int().min(0).max(0xffff_ffff)).max(mostPeople).optional(),
  })
  .refine(({ layout, joints }) => (jointsOf[layout] ?? joints) === joints)
  .refine(({ people, id }) => (id?.length ?? people) === people);

const decoder = () =>
  messageDecoder<SkeletonFrame, z.infer<typeof header>>(header, ({ layout, people, joints, id }, parts, time) => {
    const [positions, confidences] = parts;
    const count = people * joints;
    if (positions?.length !== 12 * count || (confidences?.length ?? 4 * count) !== 4 * count) return 'wrongSize';
    const position = new Float32Array(copied(positions).buffer);
    const confidence = confidences && new Float32Array(copied(confidences).buffer);
    // NaN is an unseen joint's; infinity is a mistake's. A confidence is always a number.
    if (position.some((value) => Math.abs(value) === Infinity)) return 'badNumber';
    if (confidence?.some((value) => !(value >= 0 && value <= 1))) return 'badNumber';
    return {
      ...time,
      kind: 'skeleton',
      people,
      layout,
      joints: position,
      ...(confidence && { confidence }),
      ...(id && { id: Uint32Array.from(id) }),
    };
  });

export const skeletonZmq: Driver<SkeletonFrame, SkeletonZmqSettings> = {
  name: 'skeleton-zmq',
  title: 'Skeletons over ZeroMQ',
  modality: 'skeleton',
  settings,
  transports: { zmq: true },
  seenOn: 'not yet seen on a device',
  decoder,
  recognises: (bytes) => decoder().push(bytes, 0).length > 0,
  nominalRate: ({ rate }) => rate,
};
