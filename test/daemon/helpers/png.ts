import { createCanvas, loadImage } from 'canvas';

export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** `#rrggbb` */
  at(x: number, y: number): string;
  /** How many pixels have this colour, and the box around them. */
  find(colour: string): { count: number; left: number; right: number; top: number; bottom: number };
}

/** @throws if the bytes are no PNG */
export async function decodePng(bytes: Uint8Array): Promise<Pixels> {
  const signature = Buffer.from(bytes.subarray(0, 8)).toString('hex');
  if (signature !== '89504e470d0a1a0a') throw new Error('no PNG');
  const image = await loadImage(Buffer.from(bytes));
  const { width, height } = image;
  const context = createCanvas(width, height).getContext('2d');
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  const at = (x: number, y: number) =>
    `#${Buffer.from(data.subarray(4 * (y * width + x), 4 * (y * width + x) + 3)).toString('hex')}`;
  return {
    width,
    height,
    at,
    find(colour) {
      const found = { count: 0, left: width, right: -1, top: height, bottom: -1 };
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          if (at(x, y) !== colour) continue;
          found.count++;
          found.left = Math.min(found.left, x);
          found.right = Math.max(found.right, x);
          found.top = Math.min(found.top, y);
          found.bottom = Math.max(found.bottom, y);
        }
      }
      return found;
    },
  };
}
