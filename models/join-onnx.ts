/**
 * Two ONNX files as one: what the first gives, the second takes. The first may be anybody's, of any operators: its bytes are carried
 * over field by field (onnx.proto, github.com/onnx/onnx), so nothing that the gateway does not know is lost. The second is the
 * gateway's own and is renamed, so that no name of the first is in its way.
 */
import { Reader, Writer } from 'protobufjs';
import { ModelError } from './manifest.js';

/** Numbers of the fields in onnx.proto. */
const fieldOf = {
  model: { irVersion: 1, graph: 7, operatorSets: 8 },
  operatorSet: { domain: 1, version: 2 },
  graph: { node: 1, initializer: 5, input: 11, output: 12, valueInfo: 13, sparseInitializer: 15 },
  node: { input: 1, output: 2, name: 3 },
  tensor: { name: 8, dataLocation: 14 },
  valueInfo: { name: 1, type: 2 },
} as const;

/** What the gateway's tails use means the same from this version of the default operator set on. */
const oldestOperatorSet = 13;
/** From this version of the format on, initializers need not be inputs as well. */
const oldestFormat = 4;

interface Field {
  readonly id: number;
  readonly wireType: number;
  /** With its tag. */
  readonly raw: Uint8Array;
  /** Of a field with a length. */
  readonly content: Uint8Array;
  /** Of a whole number. */
  readonly value: number;
}

const empty = new Uint8Array();

function fieldsOf(bytes: Uint8Array): Field[] {
  const reader = Reader.create(bytes);
  const fields: Field[] = [];
  while (reader.pos < reader.len) {
    const begin = reader.pos;
    const tag = reader.uint32();
    const wireType = tag & 7;
    let content: Uint8Array = empty;
    let value = NaN;
    if (wireType === 2) content = reader.bytes();
    else if (wireType === 0) value = Number(reader.int64());
    else reader.skipType(wireType);
    fields.push({ id: tag >>> 3, wireType, raw: bytes.subarray(begin, reader.pos), content, value });
  }
  return fields;
}

const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const only = (fields: readonly Field[], id: number) => fields.filter((field) => field.id === id);
const textOf = (message: Uint8Array, id: number) => only(fieldsOf(message), id).map(({ content }) => decode(content));

function written(parts: readonly { readonly id: number; readonly content: Uint8Array }[]): Uint8Array {
  const writer = Writer.create();
  for (const { id, content } of parts) writer.uint32((id << 3) | 2).bytes(content);
  return writer.finish();
}

/** A message with some of its texts replaced. */
function renamed(message: Uint8Array, ids: readonly number[], rename: (name: string) => string): Uint8Array {
  return Buffer.concat(
    fieldsOf(message).map(({ id, raw, content }) =>
      ids.includes(id) ? written([{ id, content: new TextEncoder().encode(rename(decode(content))) }]) : raw,
    ),
  );
}

interface Parts {
  readonly model: readonly Field[];
  readonly graph: readonly Field[];
}

function partsOf(file: string, bytes: Uint8Array): Parts {
  try {
    const model = fieldsOf(bytes);
    const graphs = only(model, fieldOf.model.graph);
    if (graphs.length === 1) return { model, graph: fieldsOf(graphs[0]!.content) };
  } catch {
    // Told below.
  }
  throw new ModelError(`${file} is no whole ONNX file (cut off?): restore it or export it again`);
}

/** Names of the inputs that are no initializers. */
function inputsOf(graph: readonly Field[]): string[] {
  const initializers = new Set(
    only(graph, fieldOf.graph.initializer).flatMap(({ content }) => textOf(content, fieldOf.tensor.name)),
  );
  return only(graph, fieldOf.graph.input)
    .flatMap(({ content }) => textOf(content, fieldOf.valueInfo.name))
    .filter((name) => !initializers.has(name));
}

function checkVersions(file: string, model: readonly Field[], graph: readonly Field[]): void {
  const format = only(model, fieldOf.model.irVersion)[0]?.value ?? 0;
  const standard = only(model, fieldOf.model.operatorSets)
    .map(({ content }) => fieldsOf(content))
    .find((set) => only(set, fieldOf.operatorSet.domain).every(({ content }) => content.length === 0));
  const version = (standard && only(standard, fieldOf.operatorSet.version)[0]?.value) ?? 0;
  if (format < oldestFormat || version < oldestOperatorSet)
    throw new ModelError(
      `${file} is of operator set ${version} (format ${format}): export it with operator set ${oldestOperatorSet} or later`,
    );
  for (const { content } of only(graph, fieldOf.graph.initializer)) {
    const location = only(fieldsOf(content), fieldOf.tensor.dataLocation)[0]?.value ?? 0;
    if (location !== 0)
      throw new ModelError(`${file} keeps its weights in another file: export it with the weights inside`);
  }
}

/** `name` float32 [rows as in `like`, width]. */
function outputInfo(name: string, like: Uint8Array, width: number): Uint8Array {
  const inner = (message: Uint8Array | undefined, id: number) => message && only(fieldsOf(message), id)[0]?.content;
  const shape = inner(inner(inner(like, fieldOf.valueInfo.type), 1), 2);
  const rows =
    inner(shape, 1) ??
    Writer.create()
      .uint32((2 << 3) | 2)
      .string('N')
      .finish();
  const columns = Writer.create()
    .uint32(1 << 3)
    .int64(width)
    .finish();
  const dimensions = written([
    { id: 1, content: rows },
    { id: 1, content: columns },
  ]);
  const tensor = Buffer.concat([
    Writer.create()
      .uint32(1 << 3)
      .int32(1)
      .finish(),
    written([{ id: 2, content: dimensions }]),
  ]);
  return written([
    { id: fieldOf.valueInfo.name, content: new TextEncoder().encode(name) },
    { id: fieldOf.valueInfo.type, content: written([{ id: 1, content: tensor }]) },
  ]);
}

/**
 * @param first one tensor in and one [rows, …] out, of any origin
 * @param second one tensor in and one out, as the graph builder writes it; its nodes must not depend on the number of rows
 * @param options `file`: the first one's name in messages; `width`: of the second one's output [rows, width]
 * @throws ModelError if the first is no ONNX file that this can be done with; the message says what to do
 */
export function joinOnnx(
  first: Uint8Array,
  second: Uint8Array,
  { file, width }: { readonly file: string; readonly width: number },
): Uint8Array {
  const { model, graph } = partsOf(file, first);
  const tail = partsOf('the tail', second).graph;
  checkVersions(file, model, graph);
  const outputs = only(graph, fieldOf.graph.output);
  const [given, ...more] = outputs.flatMap(({ content }) => textOf(content, fieldOf.valueInfo.name));
  if (given === undefined || more.length > 0 || inputsOf(graph).length !== 1)
    throw new ModelError(`${file} does not have one tensor in and one out: export it so`);

  const taken = new Set([
    ...inputsOf(graph),
    ...only(graph, fieldOf.graph.initializer).flatMap(({ content }) => textOf(content, fieldOf.tensor.name)),
    ...only(graph, fieldOf.graph.node).flatMap(({ content }) => textOf(content, fieldOf.node.output)),
  ]);
  let prefix = 'tail/';
  while ([...taken].some((name) => name.startsWith(prefix))) prefix = `_${prefix}`;
  const [taking] = inputsOf(tail);
  const rename = (name: string) => (name === '' ? '' : name === taking ? given : prefix + name);
  const [result] = only(tail, fieldOf.graph.output).flatMap(({ content }) => textOf(content, fieldOf.valueInfo.name));

  const node = [fieldOf.node.input, fieldOf.node.output, fieldOf.node.name];
  const joined = Buffer.concat([
    ...graph.filter(({ id }) => id !== fieldOf.graph.output).map(({ raw }) => raw),
    written([
      ...only(tail, fieldOf.graph.node).map(({ id, content }) => ({ id, content: renamed(content, node, rename) })),
      ...only(tail, fieldOf.graph.initializer).map(({ id, content }) => ({
        id,
        content: renamed(content, [fieldOf.tensor.name], rename),
      })),
      { id: fieldOf.graph.output, content: outputInfo(rename(result!), outputs[0]!.content, width) },
    ]),
  ]);
  return Buffer.concat(
    model.map(({ id, raw }) => (id === fieldOf.model.graph ? written([{ id, content: joined }]) : raw)),
  );
}
