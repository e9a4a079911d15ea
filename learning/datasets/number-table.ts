/** Columns of numbers of a text file, without an array a row: a recording of points has some ten thousand rows. */

export interface NumberTable {
  readonly rows: number;
  /** [columns asked for][rows], all finite. */
  readonly columns: readonly Float64Array[];
  /** Rows left out since one of their numbers is none. */
  readonly dropped: number;
}

const newline = 10;
const mostRows = 1 << 24;

/**
 * @param bytes text, ASCII: lines that end in LF or CRLF
 * @param names columns wanted, by the first line; or how many there are, in a file without a first line of names
 * @param separator between fields; a RegExp for blanks
 * @throws Error that begins with 'it' where a column is missing or no row holds numbers
 */
export function readNumberTable(
  bytes: Uint8Array,
  names: readonly string[] | number,
  separator: string | RegExp = ',',
): NumberTable {
  const lines = linesOf(bytes);
  const count = typeof names === 'number' ? names : names.length;
  let places = Array.from({ length: count }, (_, i) => i);
  if (typeof names !== 'number') {
    const header = (lines.next().value ?? '').split(separator).map((name) => name.trim().replace(/^"(.*)"$/, '$1'));
    places = names.map((name) => header.indexOf(name));
    const missing = names.filter((_, i) => places[i]! < 0);
    if (missing.length > 0) throw new Error(`it has no column ${missing.join(', ')}`);
  }
  let size = 1024;
  let columns = places.map(() => new Float64Array(size));
  let [rows, dropped] = [0, 0];
  for (const line of lines) {
    if (line.length === 0) continue;
    const fields = line.split(separator);
    if (rows === size) {
      if (size >= mostRows) throw new Error(`it has more than ${mostRows} rows`);
      size *= 2;
      columns = columns.map((column) => grown(column, size));
    }
    let good = true;
    for (let c = 0; c < count && good; c++) {
      const field = fields[places[c]!];
      // An empty field is no number, and not 0.
      const value = field === undefined || field.trim() === '' ? NaN : Number(field);
      good = Number.isFinite(value);
      columns[c]![rows] = value;
    }
    if (good) rows++;
    else dropped++;
  }
  if (rows === 0) throw new Error(`it has no row of ${count} numbers`);
  return { rows, columns: columns.map((column) => column.slice(0, rows)), dropped };
}

function* linesOf(bytes: Uint8Array): Generator<string, undefined> {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < text.length;) {
    const end = text.indexOf(newline, at);
    const next = end < 0 ? text.length : end;
    yield text.toString('latin1', at, next).trim();
    at = next + 1;
  }
  return undefined;
}

function grown(column: Float64Array, size: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(size);
  larger.set(column);
  return larger;
}
