/** Whether something moves in the room; needs no training.
 *
 *  Channel amplitudes without the gain, u_c(t), are constant in a quiet room but for noise that is new in each packet. What
 *  moves changes them slowly, compared with the packets, and smoothly over neighbouring subcarriers. So the variance of block
 *  means is compared with what the noise of single packets would make of it, as in a one-way analysis of variance:
 *
 *      block b, 1/16 s, n_b packets      m_b = mean of u over the block
 *      between                           B = mean over channels of the variance of the last 16 block means (1 s)
 *      noise seen over time              T = mean over blocks of  ⟨(u(t) − u(t−1))²⟩ / 2 n_b
 *      noise seen over subcarriers       S = mean over blocks of  ⟨(d_(c−1) − 2 d_c + d_(c+1))²⟩ / 12 n_b,   d = u(t) − u(t−1)
 *      B/T, B/S, T/S                     1 for noise that is white in time and over subcarriers, at any packet rate
 *
 *  B/T is blind to motion that is over within a block or changes from packet to packet (below some 50 packets a second), which T
 *  takes for noise; B/S and T/S are not, but are disturbed by noise that subcarriers share. So each is measured against its own
 *  level in the quiet room:
 *
 *      index = max( B/T / 2.5 quiet(B/T),  B/S / 5 quiet(B/S),  T/S / 5 quiet(T/S) );      above 1: motion
 *
 *  A path that grows steadily by 16 wavelengths a second (2 m/s at 2.4 GHz) turns once a block and is averaged away; from some 100
 *  packets a second on nothing else shows it. What people do is not that steady.
 *
 *  All are ratios: neither the chip's units nor the noise's strength nor the packet rate comes into them.
 *  The differences' variance as noise: von Neumann, Annals of Mathematical Statistics 12 (1941). Motion against noise by
 *  succession in time: Zhang, Wu, Chen, Liu, 'WiDetect', IMWUT 3 (2019), which uses the autocorrelation at the first lag.
 *
 *  Calibration. The quiet is a stretch of 3 s in which both ratios keep within half and twice their median, and look like noise
 *  (medians of B/T and B/S at most 2 and 5); or, where a fan or a compressor never lets it look like that, 30 s of the same
 *  evenness. What people do is not as even. Afterwards the levels follow the quiet blocks by at most e a minute, and an even
 *  stretch of 30 s, be it called motion or not, calibrates anew.
 *
 *  How the constants were found: 1/16 s, 1 s, the factors 2.5 and 5 and the limits 2 and 5 by looking at the only ten recordings
 *  there are (ESP32 motion, five chips, 10 s each; docs/wifi-motion.md), which are also those it is evaluated on. The rest is by
 *  reason, and untested on recordings: these are too short. */

const blockSeconds = 1 / 16;
/** Blocks of the window, and of the two stretches that calibrate. */
const blocks = 16;
const noiselikeStretch = 48;
const evenStretch = 480;
/** Largest medians of B/T and B/S that are taken for noise: 1, if it were white; some chips' subcarriers share some of it. */
const noiselikeTime = 2;
const noiselikeSubcarriers = 5;
/** A stretch is even if no value is further from the median than by this factor. */
const evenness = 2;
const overTime = 2.5;
const overSubcarriers = 5;
/** Seconds without packets after which the window starts anew. */
const maxGap = 1;
/** Of the levels' logarithm, a block. */
const adaptation = blockSeconds / 60;

/** `filling`: no second of packets since the start or the last gap. `calibrating`: no quiet stretch seen yet. */
export type MotionState = 'filling' | 'calibrating' | 'quiet' | 'moving';

export interface MotionLevels {
  /** B/T and B/S of the quiet room. */
  readonly overTime: number;
  readonly overSubcarriers: number;
}

export interface MotionIndex {
  /**
   * The next packet.
   * @param time seconds; the device's own if it sends one
   * @param values [rows, subcarriers] amplitudes without the gain, finite, subcarriers in ascending order; not kept
   */
  push(time: number, values: Float32Array): MotionState;
  readonly state: MotionState;
  /** Of the newest second; NaN before calibration. Above 1: motion. */
  readonly index: number;
  /** Undefined until calibrated. */
  readonly levels: MotionLevels | undefined;
  /** Time of the newest calibration, seconds on the clock of `push`; undefined until calibrated. */
  readonly calibratedAt: number | undefined;
  /** How often it has calibrated. */
  readonly calibrations: number;
}

/** The newest values of one ratio, and whether they are even. */
function createStretch() {
  const ring = new Float64Array(evenStretch);
  const sorted = new Float64Array(evenStretch);
  const parts = Array.from({ length: evenStretch + 1 }, (_, length) => sorted.subarray(0, length));
  // Not given and returned: a number that goes into or out of a function may be allocated.
  const values = { newest: NaN, median: NaN };
  let count = 0;
  return {
    values,
    /** Takes `values.newest`. */
    push() {
      ring[count++ % evenStretch] = values.newest;
    },
    /** Whether the newest `length` values are there and even; then `values.median` is theirs. */
    isEven(length: number): boolean {
      if (count < length) return false;
      for (let i = 0; i < length; i++) sorted[i] = ring[(count - 1 - i) % evenStretch]!;
      const part = parts[length]!.sort();
      const median = part[length >> 1]!;
      values.median = median;
      return part[length - 1]! <= evenness * median && part[0]! * evenness >= median;
    },
    clear() {
      count = 0;
    },
  };
}

/**
 * @param rows antenna pairs
 * @param subcarriers kept subcarriers of each, at least 3
 */
export function createMotionIndex(rows: number, subcarriers: number): MotionIndex {
  const channels = rows * subcarriers;
  const previous = new Float64Array(channels);
  const difference = new Float64Array(channels);
  const sum = new Float64Array(channels); // of the running block
  const means = new Float64Array(blocks * channels); // ring
  const noiseTime = new Float64Array(blocks);
  const noiseSubcarriers = new Float64Array(blocks);
  const timeStretch = createStretch();
  const subcarrierStretch = createStretch();
  // Numbers that change with each packet: a variable of the closure would be allocated anew each time.
  const block = { end: NaN, squaresTime: NaN, squaresSubcarriers: NaN, lastTime: NaN, now: NaN, between: NaN };
  const judged = { index: NaN, levelTime: NaN, levelSubcarriers: NaN };
  let packets = 0; // in the running block
  let differences = 0;
  let count = 0; // blocks since the window's start
  let state: MotionState = 'filling';
  let calibratedAt: number | undefined;
  let calibrations = 0;

  /** The block that ends at `block.end`. */
  function startBlock(): void {
    packets = differences = 0;
    block.squaresTime = block.squaresSubcarriers = 0;
    sum.fill(0);
  }

  /** The window starts at this packet; what was learnt of the quiet stays. */
  function startWindow(time: number, values: Float32Array): void {
    previous.set(values);
    block.end = time + blockSeconds;
    startBlock();
    count = 0;
    judged.index = NaN;
    state = 'filling';
    timeStretch.clear();
    subcarrierStretch.clear();
  }

  function addToSum(values: Float32Array): void {
    for (let c = 0; c < channels; c++) sum[c]! += values[c]!;
    packets++;
  }

  /** Sums of the squares of the packet's differences to the one before, over time and over subcarriers. */
  function addDifferences(values: Float32Array): void {
    let ofTime = 0;
    for (let c = 0; c < channels; c++) {
      const d = values[c]! - previous[c]!;
      previous[c] = values[c]!;
      difference[c] = d;
      ofTime += d * d;
    }
    let ofSubcarriers = 0;
    for (let row = 0; row < channels; row += subcarriers) {
      for (let c = row + 1; c < row + subcarriers - 1; c++) {
        const bend = difference[c - 1]! - 2 * difference[c]! + difference[c + 1]!;
        ofSubcarriers += bend * bend;
      }
    }
    block.squaresTime += ofTime / (2 * channels);
    block.squaresSubcarriers += ofSubcarriers / (12 * rows * (subcarriers - 2));
    differences++;
  }

  /** block.between ← mean over channels of the variance of the block means. */
  function between(): void {
    let total = 0;
    for (let c = 0; c < channels; c++) {
      let mean = 0;
      for (let at = c; at < means.length; at += channels) mean += means[at]!;
      mean /= blocks;
      for (let at = c; at < means.length; at += channels) total += (means[at]! - mean) ** 2;
    }
    block.between = total / (channels * (blocks - 1));
  }

  function calibrate(length: number, mostTime: number, mostSubcarriers: number): void {
    if (!timeStretch.isEven(length) || !subcarrierStretch.isEven(length)) return;
    const ofTime = timeStretch.values.median;
    const ofSubcarriers = subcarrierStretch.values.median;
    if (ofTime > mostTime || ofSubcarriers > mostSubcarriers) return;
    judged.levelTime = ofTime;
    judged.levelSubcarriers = ofSubcarriers;
    calibratedAt = block.now;
    calibrations++;
    timeStretch.clear();
    subcarrierStretch.clear();
  }

  function judge(): void {
    between();
    const variance = block.between;
    let meanTime = 0;
    let meanSubcarriers = 0;
    for (let b = 0; b < blocks; b++) {
      meanTime += noiseTime[b]! / blocks;
      meanSubcarriers += noiseSubcarriers[b]! / blocks;
    }
    // A device without any noise repeats itself to the last digit; nothing can be said of it.
    if (!(meanTime > 0 && meanSubcarriers > 0)) {
      judged.index = NaN;
      state = 'filling';
      return;
    }
    const ofTime = variance / meanTime;
    const ofSubcarriers = variance / meanSubcarriers;
    timeStretch.values.newest = ofTime;
    timeStretch.push();
    subcarrierStretch.values.newest = ofSubcarriers;
    subcarrierStretch.push();
    if (calibratedAt === undefined) calibrate(noiselikeStretch, noiselikeTime, noiselikeSubcarriers);
    if (count % blocks === 0) calibrate(evenStretch, Infinity, Infinity); // sorting is not for every block
    if (calibratedAt === undefined) {
      state = 'calibrating';
      return;
    }
    const relativeTime = ofTime / judged.levelTime;
    const relativeSubcarriers = ofSubcarriers / judged.levelSubcarriers;
    judged.index = Math.max(
      relativeTime / overTime,
      relativeSubcarriers / overSubcarriers,
      relativeSubcarriers / relativeTime / overSubcarriers,
    );
    state = judged.index > 1 ? 'moving' : 'quiet';
    if (state === 'quiet') {
      // By sign, not by size: the level follows the median.
      judged.levelTime *= Math.exp(adaptation * Math.sign(ofTime - judged.levelTime));
      judged.levelSubcarriers *= Math.exp(adaptation * Math.sign(ofSubcarriers - judged.levelSubcarriers));
    }
  }

  function endBlock(): void {
    if (differences === 0) return; // the window's first packet alone
    const slot = count % blocks;
    for (let c = 0; c < channels; c++) means[slot * channels + c] = sum[c]! / packets;
    noiseTime[slot] = block.squaresTime / (differences * packets);
    noiseSubcarriers[slot] = block.squaresSubcarriers / (differences * packets);
    count++;
    if (count >= blocks) judge();
  }

  return {
    push(time, values) {
      if (!(Math.abs(time - block.lastTime) <= maxGap)) startWindow(time, values);
      else {
        if (time >= block.end) {
          block.now = time;
          endBlock();
          block.end += (1 + Math.floor((time - block.end) / blockSeconds)) * blockSeconds;
          startBlock();
        }
        addDifferences(values);
      }
      addToSum(values);
      block.lastTime = time;
      return state;
    },
    get state() {
      return state;
    },
    get index() {
      return judged.index;
    },
    get levels() {
      return calibratedAt === undefined
        ? undefined
        : { overTime: judged.levelTime, overSubcarriers: judged.levelSubcarriers };
    },
    get calibratedAt() {
      return calibratedAt;
    },
    get calibrations() {
      return calibrations;
    },
  };
}
