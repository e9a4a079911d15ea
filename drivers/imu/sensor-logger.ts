/** A phone, watch or headphone as an inertial sensor: the app Sensor Logger (Android, iOS), by MQTT, HTTP POST or WebSocket.
 *
 * One message is one JSON object in UTF-8, sent once every batch period with the samples since the last one:
 *
 *     { "messageId": 7, "sessionId": "…", "deviceId": "…",
 *       "payload": [ { "name": "accelerometer", "time": 1698501144401773000, "values": { "x": 0.1, "y": 0, "z": -0.1 } }, … ] }
 *
 *     time                        sensor's time, ns since 1970 UTC
 *     accelerometer               without gravity, m/s²
 *     gravity                     m/s²
 *     totalacceleration           with gravity, m/s² (Android)
 *     accelerometeruncalibrated   with gravity, m/s²; on iOS in g
 *     gyroscope                   rad/s
 *     wrist motion, headphone     all in one: rotationRateX …, rad/s; accelerationX … without gravity; gravityX …
 *     other names                 not used
 *
 * What the values mean depends on the platform, unless 'Standardise Units & Frames' makes iOS send as Android does:
 *
 *     Android        values are the specific force: gravity is +z for a device that lies on its back
 *     iOS            the opposite sign in all three axes; accelerometeruncalibrated, and accelerationX … of watch and
 *                    headphone, and gravityX … of the watch are in g
 *
 * Sensors of a phone have times of their own, and messages come late and out of order. A frame is made at each sample of
 * acceleration; gravity and gyroscope are interpolated in time between the two samples around it.
 *
 * Sources: tszheichoi/awesome-sensor-logger, PUSHING.md (messages), UNITS.md, COORDINATES.md, CROSSPLATFORM.md.
 * Not yet seen on a device.
 */
import { z } from 'zod';
import type { Decoder, Driver } from '../driver.js';
import type { ImuFrame } from '../frames.js';
import { readMessage, type Message } from './sensor-logger-message.js';
import { createTrack } from './track.js';

const sources = ['phone', 'watch', 'headphone'] as const;

const settings = z.strictObject({
  source: z
    .literal(sources)
    .default('phone')
    .describe("Whose motion: the phone's own sensors, `wrist motion` of a watch, or `headphone` of AirPods."),
  convention: z
    .literal(['android', 'ios'])
    .default('android')
    .describe(
      "Signs and units of the values: `android` for Android, and for iOS with the app's 'Standardise Units & Frames' switched on; `ios` for iOS with it off.",
    ),
  deviceId: z
    .string()
    .min(1)
    .optional()
    .describe("The app's device identifier, where several send to one place; without it, the first that sends motion."),
  rate: z.number().min(5).max(1000).default(100).describe('Samples a second, as set in the app.'),
});
export type SensorLoggerSettings = z.infer<typeof settings>;

/** A message this far ahead of the expected one is waited with, in case the missing ones are only late. */
const nearlyNext = 3;
/** A larger step of the messages' numbers is no loss. */
const longestLoss = 1000;
/** Samples of acceleration that wait for the other sensors. */
const mostWaiting = 4096;
/** Seconds by which a sample may be ahead of the other sensors; one further ahead has a wrong time. */
const furthestAhead = 5;
/** Seconds of silence after which another device may take a device's place. */
const longestSilence = 10;
/** Seconds by which a message in its turn has to lie back to tell that the device's clock was set. */
const clockStep = 1;

interface Waiting {
  time: number;
  x: number;
  y: number;
  z: number;
  needsGravity: boolean;
}

const hasMotion = ({ readings }: Message) => Object.values(readings).some((samples) => samples.length > 0);

function decoder({ source, convention, deviceId, rate }: SensorLoggerSettings): Decoder<ImuFrame> {
  const failures = {
    badJson: 0,
    tooLong: 0,
    tooDeep: 0,
    notAMessage: 0,
    badReading: 0,
    otherDevice: 0,
    lostMessages: 0,
    late: 0,
    unpaired: 0,
    withoutGravity: 0,
  };
  const counters = { frames: 0, bytes: 0, skippedBytes: 0, failures };

  const longestGap = Math.max(0.1, 3 / rate);
  const rotation = createTrack(longestGap);
  const gravity = createTrack(longestGap);
  let waiting: Waiting[] = []; // sorted
  let latest = -Infinity; // time of the newest frame
  let sendsTotal = false;

  let device = deviceId;
  let rival: string | undefined; // another device that sent the latest of the messages passed over
  let heard: number | undefined; // when `device` sent its second message or a later one

  let session: string | undefined;
  let expected: number | undefined; // number of the next message
  let early: Message | undefined; // came before its turn

  function use(message: Message, arrivalTime: number, frames: ImuFrame[]): void {
    const { number, readings } = message;
    const step = number === undefined || expected === undefined ? 0 : number - expected;
    const newest = readings.rotation.at(-1)?.time ?? Infinity;
    if (step < 0 && newest <= latest) {
      failures.late += readings.total.length + readings.linear.length;
      return;
    }
    if (step > 0 && step <= longestLoss) failures.lostMessages += step;
    if (number !== undefined) expected = number + 1;
    if (step === 0 && newest < latest - clockStep) forget();

    rotation.add(readings.rotation);
    gravity.add(readings.gravity);
    sendsTotal ||= readings.total.length > 0;
    const needsGravity = !sendsTotal && gravity.newest() > -Infinity;
    const samples = sendsTotal ? readings.total : needsGravity ? readings.linear : readings.uncalibrated;
    if (!sendsTotal && !needsGravity && samples.length === 0) failures.withoutGravity += readings.linear.length;
    const first = samples.findIndex(({ time }) => time >= latest);
    failures.late += first === -1 ? samples.length : first;
    if (first !== -1) {
      // One that waits and is ahead of the following message's samples has a wrong time.
      const kept = waiting.findIndex(({ time }) => time >= samples[first]!.time);
      if (kept !== -1) failures.unpaired += waiting.splice(kept).length;
      for (const sample of samples.slice(first)) waiting.push({ ...sample, needsGravity });
    }
    makeFrames(arrivalTime, frames);
  }

  function makeFrames(arrivalTime: number, frames: ImuFrame[]): void {
    let used = 0;
    for (; used < waiting.length; used++) {
      const sample = waiting[used]!;
      const { time } = sample;
      if (time === latest) continue; // the same sample twice
      const angularRate = rotation.at(time);
      const up = sample.needsGravity ? gravity.at(time) : undefined;
      if (angularRate === 'later' || up === 'later') {
        const ahead = time - Math.min(rotation.newest(), sample.needsGravity ? gravity.newest() : Infinity);
        if (ahead < furthestAhead && waiting.length - used <= mostWaiting) break;
        failures.unpaired++;
        continue;
      }
      if (angularRate === 'never' || up === 'never') {
        failures.unpaired++;
        continue;
      }
      const acceleration = Float32Array.of(sample.x, sample.y, sample.z);
      if (up) for (let i = 0; i < 3; i++) acceleration[i]! += up[i]!;
      latest = time;
      frames.push({ kind: 'imu', arrivalTime, deviceTime: time, acceleration, angularRate });
      counters.frames++;
    }
    waiting = waiting.slice(used);
  }

  function forget(): void {
    rotation.clear();
    gravity.clear();
    waiting = [];
    latest = -Infinity;
    sendsTotal = false;
  }

  /** The message that came before its turn, now that the missing ones have had their time. */
  function useEarly(arrivalTime: number, frames: ImuFrame[]): void {
    if (!early) return;
    const message = early;
    early = undefined;
    use(message, arrivalTime, frames);
  }

  function take(message: Message, arrivalTime: number, frames: ImuFrame[]): void {
    if (message.session !== session) {
      useEarly(arrivalTime, frames);
      session = message.session;
      expected = undefined;
      forget();
    }
    const { number } = message;
    if (early && number !== expected) useEarly(arrivalTime, frames);
    if (number !== undefined && expected !== undefined && number > expected && number <= expected + nearlyNext) {
      early = message;
      return;
    }
    use(message, arrivalTime, frames);
    if (early && early.number === expected) useEarly(arrivalTime, frames);
  }

  /** Holds to one device: the configured one, or the first, until it was silent for long or a first message was its only one. */
  function isOurs(sender: string | undefined, arrivalTime: number): boolean {
    if (deviceId !== undefined) return sender === deviceId;
    if (device === undefined) device = sender;
    else if (sender === device) heard = arrivalTime;
    else if (heard !== undefined && arrivalTime - heard < longestSilence) return false;
    else if (sender === rival) {
      device = sender;
      heard = arrivalTime;
    } else {
      rival = sender;
      return false;
    }
    rival = undefined;
    return true;
  }

  return {
    counters,
    push(bytes, arrivalTime) {
      const frames: ImuFrame[] = [];
      counters.bytes += bytes.length;
      const message = readMessage(bytes, source, convention);
      if (typeof message === 'string') {
        failures[message]++;
        counters.skippedBytes += bytes.length;
        return frames;
      }
      failures.badReading += message.badReadings;
      if (!hasMotion(message)) return frames;
      if (!isOurs(message.device, arrivalTime)) {
        failures.otherDevice++;
        return frames;
      }
      take(message, arrivalTime, frames);
      return frames;
    },
  };
}

export const sensorLogger: Driver<ImuFrame, SensorLoggerSettings> = {
  name: 'sensor-logger',
  title: 'Phone, watch or headphone with the app Sensor Logger',
  modality: 'imu',
  settings,
  transports: { mqtt: true, http: true },
  seenOn: 'not yet seen on a device',
  decoder,
  recognises: (bytes) =>
    sources.some((source) => {
      const message = readMessage(bytes, source, 'android');
      return typeof message !== 'string' && hasMotion(message);
    }),
  nominalRate: ({ rate }) => rate,
};
