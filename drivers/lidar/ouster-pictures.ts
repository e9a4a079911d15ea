/** The pictures of the turn in progress, destaggered: each row is shifted until a column is one azimuth.
 *
 * Packets are painted by words, and words taken apart into fields once the turn is complete: each word is moved once,
 * whatever it holds, and the taking apart runs through memory in order.
 */
import type { OusterSensor } from './ouster-metadata.js';
import { columnStatus, type OusterLayout } from './ouster-packets.js';
import type { OusterField } from './ouster-profiles.js';

export class OusterPictures {
  readonly #layout: OusterLayout;
  readonly #rows: number;
  readonly #columns: number;
  readonly #columnsPerPacket: number;
  /** Of each row, 0 to columns − 1: the pixel of column `c` is at `c + shift`. */
  readonly shift: Int32Array;
  readonly #packet: Uint8Array;
  readonly #packetView: DataView;
  /** [rows, columns] of each word of a pixel. */
  readonly #words: readonly Uint32Array[];
  /** A row of a field: a loop that stores into arrays of several types is slower. */
  readonly #row: Uint32Array;

  constructor({ rows, columns, columnsPerPacket, pixelShift }: OusterSensor, layout: OusterLayout) {
    this.#layout = layout;
    this.#rows = rows;
    this.#columns = columns;
    this.#columnsPerPacket = columnsPerPacket;
    this.shift = Int32Array.from(pixelShift, (shift) => ((shift % columns) + columns) % columns);
    this.#packet = new Uint8Array(layout.packetLength);
    this.#packetView = new DataView(this.#packet.buffer);
    this.#words = Array.from({ length: layout.profile.pixelLength / 4 }, () => new Uint32Array(rows * columns));
    this.#row = new Uint32Array(columns);
  }

  /** Begins a turn, of which no column has come. */
  clear(): void {
    for (const picture of this.#words) picture.fill(0);
  }

  /** Puts a packet's valid columns into the pictures. */
  paint(bytes: Uint8Array, firstColumn: number): void {
    const layout = this.#layout;
    this.#packet.set(bytes);
    for (let i = 0, at = layout.packetHeader; i < this.#columnsPerPacket; i++, at += layout.columnLength) {
      const pixels = at + layout.columnHeader;
      if ((columnStatus(this.#packetView, at, layout) & 1) === 0)
        this.#packet.fill(0, pixels, pixels + this.#rows * layout.profile.pixelLength);
    }
    for (const [word, picture] of this.#words.entries()) this.#paintWord(4 * word, picture, firstColumn);
  }

  #paintWord(word: number, picture: Uint32Array, firstColumn: number): void {
    const { packetHeader, columnHeader, columnLength, profile } = this.#layout;
    const view = this.#packetView;
    const columns = this.#columns;
    const columnsPerPacket = this.#columnsPerPacket;
    for (let row = 0; row < this.#rows; row++) {
      let at = packetHeader + columnHeader + row * profile.pixelLength + word;
      const end = (row + 1) * columns;
      let pixel = row * columns + firstColumn + this.shift[row]!;
      if (pixel >= end) pixel -= columns;
      for (let i = 0; i < columnsPerPacket; i++, at += columnLength) {
        picture[pixel] = view.getUint32(at, true);
        if (++pixel === end) pixel -= columns;
      }
    }
  }

  /** One field of the turn, [rows, columns]. */
  take({ word, shift, mask, raise, Values }: OusterField): Uint32Array | Uint16Array | Uint8Array {
    const words = this.#words[word / 4]!;
    const row = this.#row;
    const data = new Values(words.length);
    for (let begin = 0; begin < words.length; begin += row.length) {
      for (let i = 0; i < row.length; i++) row[i] = ((words[begin + i]! >>> shift) & mask) << raise;
      data.set(row, begin);
    }
    return data;
  }
}
