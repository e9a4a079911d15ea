/** A small WebAssembly assembler: what the SIMD kernels need and no more. Code is a list of numbers; each function below gives
 *  the bytes of one instruction, operands before it on the stack. WebAssembly Core Specification 2.0, chapter 5. */

/** The part of the engine's own object that is used; the compiler's library for Node.js has no type for it. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { exports: Record<string, unknown> };
};

export type Code = readonly number[];
export type ValueType = 'i32' | 'v128';

const valueTypes: Record<ValueType, number> = { i32: 0x7f, v128: 0x7b };

function unsigned(value: number): Code {
  const bytes: number[] = [];
  let rest = value;
  do {
    const more = rest >= 128;
    bytes.push((rest & 127) | (more ? 128 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return bytes;
}

function signed(value: number): Code {
  const bytes: number[] = [];
  let rest = value;
  for (;;) {
    const byte = rest & 127;
    rest >>= 7;
    const done = (rest === 0 && (byte & 64) === 0) || (rest === -1 && (byte & 64) !== 0);
    bytes.push(done ? byte : byte | 128);
    if (done) return bytes;
  }
}

const text = (name: string): Code => [...unsigned(name.length), ...Buffer.from(name, 'latin1')];
const list = (items: readonly Code[]): Code => [...unsigned(items.length), ...items.flat()];
const sized = (code: Code): Code => [...unsigned(code.length), ...code];
const section = (id: number, code: Code): Code => [id, ...sized(code)];
const simd = (opcode: number): Code => [0xfd, ...unsigned(opcode)];

export const get = (local: number): Code => [0x20, ...unsigned(local)];
/** local ← value */
export const set = (local: number, value: Code): Code => [...value, 0x21, ...unsigned(local)];
export const i32 = (value: number): Code => [0x41, ...signed(value)];
export const i32Add = (a: Code, b: Code): Code => [...a, ...b, 0x6a];
export const i32Multiply = (a: Code, b: Code): Code => [...a, ...b, 0x6c];
export const i32Load = (address: Code, offset: number): Code => [...address, 0x28, 2, ...unsigned(offset)];
export const load = (address: Code, offset: number): Code => [...address, ...simd(0x00), 4, ...unsigned(offset)];
/** A double in both halves. */
export const loadSplat = (address: Code, offset: number): Code => [...address, ...simd(0x0a), 3, ...unsigned(offset)];
export const store = (address: Code, offset: number, value: Code): Code => [
  ...address,
  ...value,
  ...simd(0x0b),
  4,
  ...unsigned(offset),
];
/** Two doubles each. */
export const add = (a: Code, b: Code): Code => [...a, ...b, ...simd(0xf0)];
export const subtract = (a: Code, b: Code): Code => [...a, ...b, ...simd(0xf1)];
export const multiply = (a: Code, b: Code): Code => [...a, ...b, ...simd(0xf2)];
/** The body once, and again while local ≠ end afterwards. */
export const repeatUntil = (local: number, end: Code, body: Code): Code => [
  ...[0x03, 0x40],
  ...body,
  ...get(local),
  ...end,
  ...[0x47, 0x0d, 0x00],
  0x0b,
];

export interface WasmFunction {
  /** How many i32 it takes; they are its first locals. */
  parameters: number;
  /** Types of the further locals. */
  locals: readonly ValueType[];
  body: Code;
}

/** Functions of i32 that return nothing, over one memory of a fixed size. */
export function assemble<Name extends string>(
  functions: Record<Name, WasmFunction>,
  memoryBytes: number,
): { memory: ArrayBuffer; functions: Record<Name, (...parameters: number[]) => void> } {
  const named = Object.entries(functions) as [Name, WasmFunction][];
  const pages = Math.ceil(memoryBytes / 65536);
  const types = named.map(([, f]) => [0x60, ...list(Array.from({ length: f.parameters }, () => [valueTypes.i32])), 0]);
  const bodies = named.map(([, { locals, body }]) =>
    sized([...list(locals.map((l) => [1, valueTypes[l]])), ...body, 0x0b]),
  );
  const bytes = [
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, list(types)),
    ...section(3, list(named.map((_, i) => unsigned(i)))),
    ...section(5, list([[1, ...unsigned(pages), ...unsigned(pages)]])),
    ...section(7, list([[...text('memory'), 2, 0], ...named.map(([name], i) => [...text(name), 0, ...unsigned(i)])])),
    ...section(10, list(bodies)),
  ];
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(bytes)));
  return {
    memory: (exports['memory'] as { buffer: ArrayBuffer }).buffer,
    functions: exports as Record<Name, (...parameters: number[]) => void>,
  };
}
