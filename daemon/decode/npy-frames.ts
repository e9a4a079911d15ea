/** All frames of a decoding as NumPy files, a file for each field.
 *
 *    FIELD.npy        [rows, …]  a row a frame; of points, targets and people: a row each, of all frames
 *    FIELD.frame.npy  [rows]     number of the frame that the row belongs to, from 0
 *
 *  A field whose shape changes on the way goes on in a file that names the new shape, for instance `csi_1x1x57x2.npy`. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fieldsOf } from '../../drivers/frame-fields.js';
import type { Field } from '../../drivers/frame-fields.js';
import type { Frame } from '../../drivers/frames.js';
import { createNpy } from './npy.js';
import type { NpyWriter } from './npy.js';

/** Shapes of one field beyond which a file for each would be no help. */
const mostShapes = 64;

interface Files {
  readonly values: NpyWriter;
  readonly frames: NpyWriter;
}

/** @throws Error with one line if the folder cannot be written */
export async function createNpyFrames(folder: string) {
  await mkdir(folder, { recursive: true });
  /** By field, then by the shape and type of its rows. */
  const fields = new Map<string, Map<string, Files>>();

  async function filesFor({ name, data }: Field, row: readonly number[]): Promise<Files> {
    const shapes = fields.get(name) ?? new Map<string, Files>();
    fields.set(name, shapes);
    const key = `${row.join('x')} ${data.constructor.name}`;
    const known = shapes.get(key);
    if (known) return known;
    if (shapes.size >= mostShapes) throw new Error(`${folder}: ${name} has a new shape in almost every frame`);
    const file = join(folder, shapes.size === 0 ? name : `${name}_${row.join('x')}`);
    const opened = {
      values: await createNpy(`${file}.npy`, data, row),
      frames: await createNpy(`${file}.frame.npy`, new Uint32Array(), []),
    };
    shapes.set(key, opened);
    return opened;
  }

  return {
    /** @param index number of the frame, from 0 */
    async write(frame: Frame, index: number): Promise<void> {
      for (const field of fieldsOf(frame)) {
        const row = field.counted ? field.shape.slice(1) : field.shape;
        const rows = field.counted ? field.shape[0]! : 1;
        if (rows === 0) continue;
        const { values, frames } = await filesFor(field, row);
        await values.append(field.data, rows);
        await frames.append(new Uint32Array(rows).fill(index), rows);
      }
    },
    async close(): Promise<void> {
      for (const shapes of fields.values())
        for (const { values, frames } of shapes.values()) {
          await values.close();
          await frames.close();
        }
    },
  };
}
