/**
 * ONNX files: the part of onnx.proto (github.com/onnx/onnx, onnx/onnx.proto) that the gateway's graphs use, to bytes and back.
 * Tensors lie in `raw_data`, little-endian, as on every machine that the gateway runs on.
 */
import protobuf from 'protobufjs';

const schema = protobuf
  .parse(
    `
syntax = "proto2";
message Model {
  optional int64 ir_version = 1;
  optional string producer_name = 2;
  optional string producer_version = 3;
  optional string doc_string = 6;
  optional Graph graph = 7;
  repeated OperatorSet opset_import = 8;
  repeated StringEntry metadata_props = 14;
}
message OperatorSet { optional string domain = 1; optional int64 version = 2; }
message StringEntry { optional string key = 1; optional string value = 2; }
message Graph {
  repeated Node node = 1;
  optional string name = 2;
  repeated Tensor initializer = 5;
  repeated ValueInfo input = 11;
  repeated ValueInfo output = 12;
  repeated ValueInfo value_info = 13;
}
message Node {
  repeated string input = 1;
  repeated string output = 2;
  optional string name = 3;
  optional string op_type = 4;
  repeated Attribute attribute = 5;
  optional string domain = 7;
}
message Attribute {
  optional string name = 1;
  optional float f = 2;
  optional int64 i = 3;
  optional bytes s = 4;
  optional Tensor t = 5;
  repeated float floats = 7;
  repeated int64 ints = 8;
  optional int32 type = 20;
}
message Tensor {
  repeated int64 dims = 1;
  optional int32 data_type = 2;
  optional string name = 8;
  optional bytes raw_data = 9;
}
message ValueInfo { optional string name = 1; optional Type type = 2; }
message Type { optional TensorType tensor_type = 1; }
message TensorType { optional int32 elem_type = 1; optional Shape shape = 2; }
message Shape { repeated Dimension dim = 1; }
message Dimension { optional int64 dim_value = 1; optional string dim_param = 2; }
`,
    { keepCase: true },
  )
  .root.lookupType('Model');

/** Element types by their name in onnxruntime, with their number in `TensorProto.DataType`. */
export const elementTypes = { float32: 1, int32: 6, int64: 7, bool: 9, float64: 11 } as const;
export type ElementType = keyof typeof elementTypes;
export type TensorData = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array;

export interface OnnxTensor {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

/** A whole number becomes an ONNX `int`, a list of them `ints`, `{ float }` a `float`. */
export type Attribute = number | readonly number[] | string | { readonly float: number };

export interface OnnxNode {
  readonly op: string;
  /** Names; an optional input that is left out is ''. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

export interface OnnxValue {
  readonly name: string;
  readonly type: ElementType;
  /** A string is a dimension left open, for instance 'N'. */
  readonly shape: readonly (number | string)[];
}

export interface OnnxModel {
  readonly name: string;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly initializers: readonly OnnxTensor[];
  readonly nodes: readonly OnnxNode[];
  readonly metadata?: Readonly<Record<string, string>>;
}

/** The default operator set's version that graphs are written for, and the file format that goes with it. */
export const operatorSet = 20;
const irVersion = 9;

const attributeTypes = { float: 1, int: 2, string: 3, ints: 7 };

function encodeAttribute([name, value]: [string, Attribute]): object {
  if (typeof value === 'number') return { name, i: value, type: attributeTypes.int };
  if (typeof value === 'string') return { name, s: new TextEncoder().encode(value), type: attributeTypes.string };
  if ('float' in value) return { name, f: value.float, type: attributeTypes.float };
  return { name, ints: value, type: attributeTypes.ints };
}

function encodeValue({ name, type, shape }: OnnxValue): object {
  const dim = shape.map((size) => (typeof size === 'string' ? { dim_param: size } : { dim_value: size }));
  return { name, type: { tensor_type: { elem_type: elementTypes[type], shape: { dim } } } };
}

/** The bytes of an ONNX file. */
export function encodeOnnx(model: OnnxModel): Uint8Array {
  return schema
    .encode({
      ir_version: irVersion,
      producer_name: 'babel-gateway',
      opset_import: [{ domain: '', version: operatorSet }],
      metadata_props: Object.entries(model.metadata ?? {}).map(([key, value]) => ({ key, value })),
      graph: {
        name: model.name,
        input: model.inputs.map(encodeValue),
        output: model.outputs.map(encodeValue),
        initializer: model.initializers.map(({ name, type, shape, data }) => ({
          name,
          dims: shape,
          data_type: elementTypes[type],
          raw_data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
        })),
        node: model.nodes.map(({ op, inputs, outputs, attributes }, index) => ({
          name: `${op}_${index}`,
          op_type: op,
          input: inputs,
          output: outputs,
          attribute: Object.entries(attributes).map(encodeAttribute),
        })),
      },
    })
    .finish();
}

interface Decoded {
  graph?: {
    name: string;
    input: DecodedValue[];
    output: DecodedValue[];
    initializer: { name: string; dims: number[]; data_type: number; raw_data: Uint8Array }[];
    node: { op_type: string; input: string[]; output: string[]; attribute: DecodedAttribute[] }[];
  };
  metadata_props: { key: string; value: string }[];
}
interface DecodedValue {
  name: string;
  type: {
    tensor_type: { elem_type: number; shape: { dim: { dim_value: number; dim_param: string }[] } | null } | null;
  };
}
interface DecodedAttribute {
  name: string;
  type: number;
  f: number;
  i: number;
  s: Uint8Array;
  ints: number[];
}

function elementType(code: number, name: string): ElementType {
  const found = Object.entries(elementTypes).find(([, value]) => value === code);
  if (!found) throw new Error(`ONNX: '${name}' has element type ${code}, which the gateway does not read`);
  return found[0] as ElementType;
}

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
} as const;

function decodeAttribute({ name, type, f, i, s, ints }: DecodedAttribute): [string, Attribute] {
  if (type === attributeTypes.int) return [name, i];
  if (type === attributeTypes.float) return [name, { float: f }];
  if (type === attributeTypes.string) return [name, new TextDecoder().decode(s)];
  if (type === attributeTypes.ints) return [name, ints];
  throw new Error(`ONNX: attribute '${name}' has type ${type}, which the gateway does not read`);
}

function decodeValue({ name, type }: DecodedValue): OnnxValue {
  const tensor = type.tensor_type;
  if (!tensor) throw new Error(`ONNX: '${name}' is not a tensor`);
  const shape = (tensor.shape?.dim ?? []).map((dim) => dim.dim_param || dim.dim_value);
  return { name, type: elementType(tensor.elem_type, name), shape };
}

/**
 * What an ONNX file holds. Reads files whose tensors lie in `raw_data`, as `encodeOnnx` and most exporters write them.
 * @throws Error if the bytes are no ONNX file, or hold something that the gateway does not read
 */
export function decodeOnnx(bytes: Uint8Array): OnnxModel {
  let model: Decoded;
  try {
    const defaults = { longs: Number, defaults: true, arrays: true };
    model = schema.toObject(schema.decode(bytes), defaults) as Decoded;
  } catch (error) {
    throw new Error('not an ONNX file: its bytes are no such protobuf message', { cause: error });
  }
  if (!model.graph) throw new Error('not an ONNX file: it has no graph');
  return {
    name: model.graph.name,
    inputs: model.graph.input.map(decodeValue),
    outputs: model.graph.output.map(decodeValue),
    initializers: model.graph.initializer.map(({ name, dims, data_type, raw_data }) => {
      const type = elementType(data_type, name);
      const data = new arrays[type](Uint8Array.from(raw_data).buffer);
      if (data.length !== dims.reduce((product, size) => product * size, 1))
        throw new Error(`ONNX: tensor '${name}' of shape [${dims.join(', ')}] has ${data.length} elements in raw_data`);
      return { name, type, shape: dims, data };
    }),
    nodes: model.graph.node.map(({ op_type, input, output, attribute }) => ({
      op: op_type,
      inputs: input,
      outputs: output,
      attributes: Object.fromEntries(attribute.map(decodeAttribute)),
    })),
    metadata: Object.fromEntries(model.metadata_props.map(({ key, value }) => [key, value])),
  };
}
