/** From one frame to the numbers of one instant, of a fixed length: what each modality's pipeline has in its middle. */

/**
 * Why a frame, or a window, gives no numbers.
 *
 *      absent            nothing was sent, or what was sent does not fit together
 *      constant          the same values again and again: the device repeats itself
 *      clipped           values at the end of the converter's scale
 *      notANumber        a value that is not finite
 *      settingsChanged   the device's settings (shape, antennas, layout, scale) are not those of before
 *      calibrating       what is learned while nobody is there (background, ground) is not known yet
 *      nobody            the sensor works and sees nobody
 */
export const faults = [
  'absent',
  'constant',
  'clipped',
  'notANumber',
  'settingsChanged',
  'calibrating',
  'nobody',
] as const;
export type Fault = (typeof faults)[number];

export interface FrameFeatures<Frame> {
  /** Numbers of one instant; the tower's shape is [instants, …shape]. */
  readonly shape: readonly number[];
  /**
   * Takes the next frame, in the order of time.
   * @param out [product of `shape`], written only where nothing is returned
   * @returns why the frame gives no numbers
   */
  take(frame: Frame, out: Float32Array): Fault | undefined;
  /** Forgets what hangs on the frames before; what was learned of the room stays. */
  reset(): void;
}
