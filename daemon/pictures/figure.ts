/** What a picture consists of, and how it becomes PNG: panels in a grid, each with two axes, what is drawn into it, and a colour bar.
 *
 *  Vega lays out, scales, labels and draws, on a canvas of Skia. The fonts come with the program, so that a machine without
 *  any gives the same picture. */
import { fileURLToPath } from 'node:url';
import { createCanvas, GlobalFonts, type Canvas } from 'canvas';
import { parse, View, type Spec } from 'vega';
import { panelGroup, type ColourBar, type Panel } from './panel.js';
import { colourBarLegend } from './legends.js';
import { pixelScale } from './scale.js';

export interface Figure {
  readonly title: string;
  /** Second line, smaller: what it was made of. */
  readonly subtitle?: string | undefined;
  /** Panels beside each other. Default: 1. */
  readonly columns?: number;
  readonly panels: readonly Panel[];
  /** One for all panels. */
  readonly colourBar?: ColourBar | undefined;
}

const family = 'PictureSans, PictureSansGreek';
let fontsThere = false;

function registerFonts(): void {
  if (fontsThere) return;
  fontsThere = true;
  for (const weight of [400, 600]) {
    for (const [script, name] of [
      ['latin', 'PictureSans'],
      ['greek', 'PictureSansGreek'],
    ] as const) {
      const file = `@fontsource/source-sans-3/files/source-sans-3-${script}-${weight}-normal.woff2`;
      GlobalFonts.registerFromPath(fileURLToPath(import.meta.resolve(file)), name);
    }
  }
}

const ink = '#222';
const config = {
  background: 'white',
  title: {
    font: family,
    subtitleFont: family,
    fontSize: 15,
    fontWeight: 600,
    subtitleFontSize: 11.5,
    subtitleColor: '#666',
    subtitlePadding: 4,
    color: ink,
    anchor: 'start',
    frame: 'group',
    offset: 12,
  },
  axis: {
    labelFont: family,
    titleFont: family,
    labelFontSize: 11.5,
    titleFontSize: 12.5,
    titleFontWeight: 400,
    labelColor: ink,
    titleColor: ink,
    domainColor: '#555',
    tickColor: '#555',
    titlePadding: 6,
    labelFlush: false,
    labelOverlap: true,
  },
  legend: {
    labelFont: family,
    titleFont: family,
    labelFontSize: 11.5,
    titleFontSize: 12,
    titleFontWeight: 400,
    labelColor: ink,
    titleColor: ink,
    titleLimit: 400,
    labelLimit: 300,
    symbolStrokeWidth: 2,
    gradientStrokeColor: '#555',
    gradientStrokeWidth: 0.5,
  },
  text: { font: family, fontSize: 11 },
} as const;

/** A canvas that an image mark draws. @param pixels [height, width, 4] */
export function pixelCanvas(pixels: Uint8ClampedArray, width: number): Canvas {
  const height = pixels.length / 4 / width;
  const canvas = createCanvas(width, height);
  const context = canvas.getContext('2d');
  const image = context.createImageData(width, height);
  image.data.set(pixels);
  context.putImageData(image, 0, 0);
  return canvas;
}

/** @returns the bytes of a PNG file */
export async function draw({ title, subtitle, columns = 1, panels, colourBar }: Figure): Promise<Uint8Array> {
  registerFonts();
  const bar = colourBar && colourBarLegend('shared', colourBar, panels[0]!.height);
  const spec = {
    padding: 14,
    autosize: 'pad',
    config,
    title: { text: title, ...(subtitle !== undefined && { subtitle: subtitle.split('\n') }) },
    layout: { columns, padding: { row: 18, column: 26 }, bounds: 'full', align: 'each' },
    marks: panels.map(panelGroup),
    ...(bar && { scales: bar.scales, legends: bar.legends }),
  };
  const view = new View(parse(spec as unknown as Spec, undefined, { ast: false }), { renderer: 'none' });
  try {
    await view.runAsync();
    // Typed for a browser's canvas; here it is the library's.
    const canvas = (await view.toCanvas(pixelScale)) as unknown as Canvas;
    return await canvas.encode('png');
  } finally {
    view.finalize();
  }
}
