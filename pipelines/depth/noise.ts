/** A picture's value that tells no distance: no return, or beyond the scale. */
export const noReturn = 0;
export const beyondScale = 0xffff;

/**
 * How far a distance may lie from another and still be the same surface: 4 cm + 6 mm · z² (z in metres), four standard
 * deviations of a structured-light camera's error, 1.425 mm · z² (Khoshelham and Oude Elberink, Sensors 12 (2012), 1437,
 * section 4), and the edges' mixed pixels. Time-of-flight cameras are better.
 * @param value steps
 * @param metresPerStep metres
 * @returns steps
 */
export function depthTolerance(value: number, metresPerStep: number): number {
  const z = value * metresPerStep;
  return (0.04 + 0.006 * z * z) / metresPerStep;
}
