/** From what the schema found wrong to lines that a person can act on. */
import { z } from 'zod';
import { configSchema } from './config-schema.js';
import { closest } from './suggest.js';

export interface Complaint {
  /** Keys from the top of the file. */
  path: readonly PropertyKey[];
  message: string;
  /** Whether the key itself is wrong, or the value that it has. */
  at: 'key' | 'value';
}

/** The part of JSON Schema (draft 2020-12) that zod writes for our schemas; notes of `.meta()` are among its keys. */
export interface JsonSchema {
  type?: string;
  description?: string;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: JsonSchema | false;
  propertyNames?: JsonSchema;
  items?: JsonSchema;
  oneOf?: JsonSchema[];
  anyOf?: JsonSchema[];
  const?: unknown;
  enum?: unknown[];
  default?: unknown;
  minimum?: number;
  maximum?: number;
  defaultText?: string;
  entry?: string;
  seeBelow?: string;
}

/** The schema of what a person writes into the file, as plain data. */
export function writtenSchema(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: 'input', reused: 'inline', unrepresentable: 'any' }) as JsonSchema;
}

/** Everything that is wrong with `data`, in the schema's order; the configuration if nothing is. */
export function validate(
  data: unknown,
): { config: z.output<typeof configSchema>; complaints?: never } | { config?: never; complaints: Complaint[] } {
  const result = configSchema.safeParse(data);
  if (result.success) return { config: result.data };
  const complaints = complaintsOf(result.error.issues, data);
  // A misspelt driver leaves its whole sensor unread: read it once more with the driver that was meant.
  const corrected = withCorrections(data, result.error.issues);
  if (corrected !== undefined) {
    const more = configSchema.safeParse(corrected);
    const known = new Set(complaints.map(fingerprint));
    if (!more.success)
      complaints.push(...complaintsOf(more.error.issues, corrected).filter((one) => !known.has(fingerprint(one))));
  }
  return { complaints };
}

const fingerprint = ({ path, message }: Complaint) => JSON.stringify([path.map(String), message]);

function withCorrections(data: unknown, issues: readonly z.core.$ZodIssue[]): unknown {
  const meant = issues.flatMap((issue) => {
    if (issue.code !== 'invalid_union') return [];
    const value = valueAt(data, issue.path);
    const suggestion = typeof value === 'string' ? closest(value, optionsOf(issue)) : undefined;
    return suggestion === undefined ? [] : [{ path: issue.path, suggestion }];
  });
  if (meant.length === 0) return undefined;
  const copy = structuredClone(data);
  for (const { path, suggestion } of meant) {
    const parent = valueAt(copy, path.slice(0, -1)) as Record<PropertyKey, unknown>;
    parent[path.at(-1)!] = suggestion;
  }
  return copy;
}

function complaintsOf(issues: readonly z.core.$ZodIssue[], data: unknown): Complaint[] {
  return issues.flatMap((issue): Complaint[] => {
    const { path } = issue;
    if (issue.code === 'unrecognized_keys') {
      const known = keysAt(path, data);
      return issue.keys.map((key) => ({ path: [...path, key], at: 'key', message: unknownKey(key, known) }));
    }
    if (issue.code === 'invalid_key')
      return [{ path, at: 'key', message: issue.issues.map(({ message }) => message).join('; ') }];
    return [{ path, at: 'value', message: describe(issue, valueAt(data, path)) }];
  });
}

function unknownKey(key: string, known: readonly string[]): string {
  const suggestion = closest(key, known);
  return `unknown key; ${suggestion === undefined ? `known here: ${known.join(', ')}` : `did you mean "${suggestion}"?`}`;
}

function describe(issue: z.core.$ZodIssue, value: unknown): string {
  const isSecret = issue.path.at(-1) === 'password';
  const found = value === undefined ? 'nothing' : isSecret ? 'what is there' : shown(value);
  switch (issue.code) {
    case 'invalid_type': {
      // What may not stand there at all has its own words for it.
      if (issue.expected === 'never') return issue.message;
      const expected = typeNames[issue.expected] ?? issue.expected;
      if (value === undefined) return `missing; expected ${expected}`;
      if (value === null) return `is empty; expected ${expected}, or delete the line`;
      if (issue.expected === 'string' && typeof value !== 'object')
        return `expected text, not a ${typeof value}; put it in quotes`;
      return `expected ${expected}, not ${found}`;
    }
    case 'invalid_value':
      return choose('expected', issue.values.map(String), value, found);
    case 'invalid_union': {
      const options = optionsOf(issue);
      if (options.length === 0) return issue.message;
      const key = String(issue.path.at(-1));
      if (value === undefined) return `missing; one of: ${options.join(', ')}`;
      return choose(`unknown ${key} ${found}`, options, value, found);
    }
    case 'too_small':
      if (issue.origin === 'string' || issue.origin === 'array') return 'must not be empty';
      return `must be ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}, not ${found}`;
    case 'too_big':
      if (issue.origin === 'string') return issue.message;
      return `must be ${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}, not ${found}`;
    default:
      return issue.message;
  }
}

function choose(complaint: string, options: readonly string[], value: unknown, found: string): string {
  const suggestion = typeof value === 'string' ? closest(value, options) : undefined;
  if (complaint === 'expected') {
    const list = options.length === 1 ? options.join() : `one of ${options.join(', ')}`;
    return suggestion === undefined
      ? `expected ${list}, not ${found}`
      : `${found} is not known here; did you mean "${suggestion}"?`;
  }
  return `${complaint}; ${suggestion === undefined ? `known: ${options.join(', ')}` : `did you mean "${suggestion}"?`}`;
}

const typeNames: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list such as [1, 2]',
  object: 'keys below it, indented',
  record: 'keys below it, indented',
};

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function optionsOf(issue: z.core.$ZodIssue): string[] {
  return issue.code === 'invalid_union' && 'options' in issue ? (issue.options ?? []).map(String) : [];
}

function valueAt(data: unknown, path: readonly PropertyKey[]): unknown {
  let value = data;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

/** The keys that the schema knows at `path`; of several kinds of object, those of the kind that `data` is. */
function keysAt(path: readonly PropertyKey[], data: unknown): string[] {
  let schema = kindOf(writtenSchema(configSchema), data);
  path.forEach((key, depth) => {
    const inside = schema.properties?.[String(key)] ?? schema.items ?? schema.additionalProperties;
    schema = kindOf(inside === undefined || inside === false ? {} : inside, valueAt(data, path.slice(0, depth + 1)));
  });
  return [...Object.keys(schema.properties ?? {}), ...(schema.propertyNames?.enum ?? []).map(String)];
}

function kindOf(schema: JsonSchema, data: unknown): JsonSchema {
  const kinds = schema.oneOf ?? schema.anyOf;
  if (kinds === undefined) return schema;
  const matches = (kind: JsonSchema) =>
    Object.entries(kind.properties ?? {}).every(
      ([key, property]) => !('const' in property) || property.const === valueAt(data, [key]),
    );
  return kinds.find(matches) ?? {};
}
