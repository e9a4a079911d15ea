/** Device clock to gateway clock.
 *
 * A sample captured at device time d arrives at host time a = d + offset + drift · d + delay, and a delay is never
 * negative. So the points (d, a − d) lie above a line, which is the clock; jitter only lifts points off it. The line is
 * read from the lower convex hull of the points, not by least squares, which would take queueing for time.
 * Zhang, Liu, Xia, 'Clock synchronization algorithms for network measurements', INFOCOM 2002 (hull; the edge over the
 * mean device time minimises the sum of the distances); Moon, Skelly, Towsley, INFOCOM 1999 (the same as a linear
 * programme). The smallest delay itself cannot be seen from one side: it stays in the offset. */

/** Points older than this leave the hull: oscillators wander with temperature. Seconds. */
const horizon = 300;
/** Vertices kept; hulls of real delays have some ten. */
const maxVertices = 64;
/** Rate errors beyond this are not believed. A sample counter of a MEMS sensor can be off by several per cent. */
const maxDrift = 0.1;
/** Time constant and limit of the correction of the output's offset: a step would tear the sampling grid. */
const slewSeconds = 20;
const maxSlew = 0.005;
/** A silence after which the output takes the estimate at once; nobody interpolates across it. Seconds. */
const snapAfter = 1;
/** A larger device time, seconds, is no time; it would drown the microseconds. */
const latest = 1e10;
/** Device time that goes back by less is one late sample; by more, the clock was set. Seconds. */
const lateLimit = 0.1;
/** Delays that stay larger than this for two whole seconds mean that the device's clock was set back. Seconds. */
const stepLimit = 0.25;

export interface ClockStatistics {
  /** Host time minus device time at the newest sample, smallest delay included, seconds. */
  offset: number;
  /** How much longer a second of the host is than one of the device, parts per million: positive = device runs slow. */
  driftPpm: number;
  /** Standard deviation of the arrivals' delays, over the last ten seconds or so, seconds. */
  jitter: number;
  /** Largest delay above the smallest one within a second, of the last minute or so, seconds. */
  largestDelay: number;
  /** How often the device's clock was set or reset. */
  jumps: number;
  /** How far host times may be off, seconds: by how much even a second's least delay lies above the line, and what the
   * output has still to be corrected by. The smallest delay itself is not in it. */
  uncertainty: number;
}

/** What `observe` found: `jumped` = the clock was set: `reset` and observe the sample again; `late` = the sample is older
 * than the one before it; `invalid` = the time is not a number, or none of this age. Only `used` was used. */
export type Observation = 'used' | 'jumped' | 'late' | 'invalid';

export interface DeviceClock {
  /** Learns from one sample: device time and host's monotonic time of arrival, seconds. */
  observe(deviceTime: number, arrivalTime: number): Observation;
  /**
   * Host time at which a sample was captured (later by the smallest delay), seconds, from the first sample on. To be
   * called in the order of capture; never goes back for device times that do not. Corrections of the offset are spread:
   * the spacing of samples differs from the estimated one by 0.5 % at most, by 0.01 % where 2 ms are to be corrected.
   */
  hostTime(deviceTime: number): number;
  /** The same by the newest estimate alone, which may lie elsewhere at each call: for times that are looked at once. */
  estimate(deviceTime: number): number;
  /** Forgets the estimate; what comes is another clock's. Host times still do not go back. */
  reset(): void;
  statistics(): ClockStatistics;
}

export function createDeviceClock(): DeviceClock {
  // Lower hull of (device time − origin, arrival − device time), oldest first.
  const x = new Float64Array(maxVertices + 1);
  const y = new Float64Array(maxVertices + 1);
  let vertices = 0;
  let origin = 0;
  let newest = 0;
  let samples = 0;
  let middle = 0; // mean of the samples' device times − origin, over the horizon
  let slope = 0; // of the hull's edge over the middle
  let drift = 0; // the part of it that the spread of the delays cannot explain
  let intercept = 0;
  let edgeBelow = 0; // how far the hull's edge lies below the line at the newest sample

  // Delays above the line, by seconds of arrival: what was held up comes in one of them.
  let secondStart = 0;
  let secondLeast = Infinity;
  let secondMost = -Infinity;
  let secondsLate = 0;
  let seconds = 0;
  let meanLeast = 0;
  let largestDelay = 0;
  let meanDelay = 0;
  let delayVariance = 0;
  let jumps = 0;

  let lastDevice = NaN;
  let lastHost = -Infinity;
  let snap = true;

  const spread = () => Math.max(largestDelay, secondMost - secondLeast, 0);
  const line = (deviceTime: number) => deviceTime + intercept + drift * (deviceTime - origin);

  function start(deviceTime: number, arrivalTime: number): void {
    vertices = samples = 1;
    middle = 0;
    origin = newest = deviceTime;
    x[0] = 0;
    y[0] = arrivalTime - deviceTime;
    slope = drift = 0;
    intercept = y[0];
    secondStart = arrivalTime;
    secondLeast = Infinity;
    secondMost = -Infinity;
    secondsLate = seconds = meanLeast = edgeBelow = 0;
    largestDelay = meanDelay = delayVariance = 0;
  }

  function addVertex(px: number, py: number): void {
    while (vertices > 1) {
      const ax = x[vertices - 2]!;
      const ay = y[vertices - 2]!;
      if ((y[vertices - 1]! - ay) * (px - ax) < (py - ay) * (x[vertices - 1]! - ax)) break;
      vertices--;
    }
    x[vertices] = px;
    y[vertices] = py;
    vertices++;
    let old = vertices > maxVertices ? 1 : 0;
    while (px - x[old]! > horizon && px - x[old + 1]! > horizon / 2) old++; // a long edge stays
    if (old > 0) {
      x.copyWithin(0, old, vertices);
      y.copyWithin(0, old, vertices);
      vertices -= old;
    }
  }

  function fitLine(): void {
    const span = x[vertices - 1]! - x[0]!;
    slope = drift = 0;
    let edge = 0;
    if (span > snapAfter) {
      edge = 1;
      while (edge < vertices - 1 && x[edge]! < middle) edge++;
      slope = (y[edge]! - y[edge - 1]!) / (x[edge]! - x[edge - 1]!);
      // The least delays of two halves, each the least of span/2 seconds' least delays and span/2 from the other, give
      // a slope that is uncertain by some 8 · meanLeast / span². Three times that is noise with hardly an exception; a
      // few seconds' least delays say nothing.
      const doubt = span < 10 ? spread() / span : (24 * meanLeast) / (span * span);
      drift = Math.sign(slope) * Math.min(maxDrift, Math.max(0, Math.abs(slope) - doubt));
    }
    intercept = Infinity;
    for (let i = 0; i < vertices; i++) intercept = Math.min(intercept, y[i]! - drift * x[i]!);
    edgeBelow = intercept + drift * x[vertices - 1]! - (y[edge]! + slope * (x[vertices - 1]! - x[edge]!));
  }

  /** Takes one delay into the second's least and most; says whether the clock must have been set back. */
  function measureDelay(delay: number, arrivalTime: number): boolean {
    if (arrivalTime - secondStart >= 1) {
      largestDelay = Math.max(0.98 * largestDelay, secondMost - secondLeast);
      seconds++;
      meanLeast += Math.max(1 / seconds, 0.1) * (Math.max(0, secondLeast + edgeBelow) - meanLeast);
      secondsLate = secondLeast > stepLimit ? secondsLate + 1 : 0;
      secondStart = arrivalTime;
      secondLeast = secondMost = delay;
    } else {
      secondLeast = Math.min(secondLeast, delay);
      secondMost = Math.max(secondMost, delay);
    }
    return secondsLate >= 2;
  }

  return {
    observe(deviceTime, arrivalTime) {
      if (!(Math.abs(deviceTime) < latest) || !Number.isFinite(arrivalTime)) return 'invalid';
      if (vertices === 0) {
        start(deviceTime, arrivalTime);
        return 'used';
      }
      const step = deviceTime - newest;
      if (step <= 0 && step > -lateLimit) return 'late';
      const delay = arrivalTime - line(deviceTime);
      // Earlier than possible. In the first seconds that only shows how late the first samples were.
      const early = delay < -Math.max(0.05, 2 * spread());
      const settled = newest - origin > 2 || delay < -0.5;
      if (step < 0 || (early && settled) || measureDelay(delay, arrivalTime)) {
        jumps++;
        return 'jumped';
      }
      const weight = Math.min(1, step / 10);
      meanDelay += weight * (delay - meanDelay);
      delayVariance += weight * ((delay - meanDelay) ** 2 - delayVariance);
      newest = deviceTime;
      addVertex(deviceTime - origin, arrivalTime - deviceTime);
      samples++;
      middle += Math.max(1 / samples, (2 * Math.min(step, 1)) / horizon) * (deviceTime - origin - middle);
      fitLine();
      return 'used';
    },

    hostTime(deviceTime) {
      const step = deviceTime - lastDevice;
      if (snap || step > snapAfter) {
        lastHost = Math.max(lastHost, line(deviceTime));
        snap = false;
      } else if (step <= 0) {
        return lastHost + step;
      } else {
        const steady = lastHost + step * (1 + drift);
        const slew = (line(deviceTime) - steady) / slewSeconds;
        lastHost = steady + step * Math.min(maxSlew, Math.max(-maxSlew, slew));
      }
      lastDevice = deviceTime;
      return lastHost;
    },

    estimate: line,

    reset() {
      vertices = 0;
      snap = true;
    },

    statistics: () => ({
      offset: vertices === 0 ? NaN : line(newest) - newest,
      driftPpm: slope * 1e6,
      jitter: Math.sqrt(delayVariance),
      largestDelay: spread(),
      jumps,
      uncertainty: (seconds < 2 ? spread() : meanLeast) + (snap ? 0 : Math.abs(lastHost - line(lastDevice))),
    }),
  };
}

export interface SampleCounter {
  /** Device time of the sample that arrived now: samples so far, lost ones included, times the nominal period; seconds. */
  next(arrivalTime: number): number;
  /** Samples that must be missing, from the arrivals. */
  readonly lost: number;
}

/** A device without arrivals for so long lost the samples in between, seconds. */
const silence = 1;
/** Arrivals that run away by more than this from one second to the next, and stay so, tell of lost samples, seconds. */
const runAway = 0.15;

/**
 * Makes device times for a device that sends none. A nominal rate that is off by a few per cent is the clock's drift;
 * what the arrivals leap by is samples lost: a silence of 1 s at once, less than that (down to 0.15 s) after two
 * seconds, when it is certain that the arrivals do not come back. Smaller losses cannot be told from jitter. A device that
 * saves its samples up for a second or longer needs device times.
 * @param nominalRate samples a second
 */
export function createSampleCounter(nominalRate: number): SampleCounter {
  let count = 0;
  let lost = 0;
  let lastArrival = NaN;
  let secondStart = NaN;
  let least = Infinity; // of this second: arrival − counted time
  let before = Infinity; // of the second before
  let settled = Infinity; // of the second before a leap that is not yet certain

  function skip(seconds: number): void {
    const missing = Math.round(seconds * nominalRate);
    count += missing;
    lost += missing;
  }

  return {
    next(arrivalTime) {
      const quiet = arrivalTime - lastArrival;
      if (quiet > silence) {
        skip(quiet - 1 / nominalRate);
        secondStart = arrivalTime;
        least = before = settled = Infinity;
      } else if (!(arrivalTime - secondStart < 1)) {
        if (settled < Infinity) {
          const leap = Math.min(least, before) - settled;
          if (leap > runAway) skip(leap);
          before = settled = Infinity; // the next second is measured anew
        } else {
          if (least - before > runAway) settled = before;
          before = least;
        }
        secondStart = arrivalTime;
        least = Infinity;
      }
      lastArrival = arrivalTime;
      const deviceTime = count / nominalRate;
      count++;
      least = Math.min(least, arrivalTime - deviceTime);
      return deviceTime;
    },
    get lost() {
      return lost;
    },
  };
}
