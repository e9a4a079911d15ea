/** Writes the manual's reference page from the configuration's schema. `npm run docs` runs this file. */
import { realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import { drivers } from '../drivers/registry.js';
import { transportSettings } from '../drivers/transports/registry.js';
import { writtenSchema, type JsonSchema } from './config-problems.js';
import { configSchema, feedSettings } from './config-schema.js';
import { packageRoot } from './package-root.js';

export const referenceFile = join(packageRoot, 'docs', 'configuration.md');

/** The page as Markdown. */
export function configurationReference(): string {
  return (
    [
      '<!-- Made by `npm run docs` from daemon/config-schema.ts and the drivers: edit those. -->',
      '# The configuration file',
      '`babel-gateway run` reads one YAML file: the one that `--config` names, else `babel-gateway.yaml` in the folder that it is started in, else `/etc/babel-gateway/babel-gateway.yaml`. `examples/home.yaml` is one to begin with; `babel-gateway doctor --config FILE` says what is wrong with a file and what is missing on the machine for it.',
      'In every text, `${NAME}` stands for the environment variable of that name; it is an error if the variable is not set. Inside `{ }` and `[ ]` YAML wants quotes around it: `"${NAME}"`. Relative paths are meant from the folder of the file. Keys that are not listed here are errors.',
      '## All keys',
      table(writtenSchema(configSchema)),
      '## Transports',
      'A transport says how the bytes of a device come in.',
      ...kinds(transportSettings, 'type'),
      '## Feeds',
      'With a feed, the gateway plays the device itself. The real transport and the real driver read it, and the topics say that it is not a live measurement.',
      ...kinds(feedSettings, 'kind'),
      '## Drivers',
      'What a driver knows to set, under `settings`.',
      ...drivers.flatMap((driver) => [
        `### \`${driver.name}\``,
        `${driver.title}. Modality: \`${driver.modality}\`. Transports: ${transportsOf(driver.transports)}. Checked against: ${driver.seenOn}.`,
        table(writtenSchema(driver.settings)),
      ]),
    ].join('\n\n') + '\n'
  );
}

function transportsOf(transports: (typeof drivers)[number]['transports']): string {
  const usual = (name: string, parameters: unknown): string => {
    if (typeof parameters !== 'object' || parameters === null) return `\`${name}\``;
    const values = Object.entries(parameters).map(
      ([key, value]) => `\`${key}\` ${String(value)} unless it says otherwise`,
    );
    return `\`${name}\` (${values.join(', ')})`;
  };
  return [...Object.entries(transports).map(([name, parameters]) => usual(name, parameters)), '`recording`'].join(', ');
}

function kinds(union: z.ZodType, discriminator: string): string[] {
  return (writtenSchema(union).oneOf ?? []).flatMap((kind) => [
    `### \`${discriminator}: ${String(kind.properties?.[discriminator]?.const)}\``,
    ...(kind.description === undefined ? [] : [kind.description]),
    table(kind),
  ]);
}

function table(schema: JsonSchema): string {
  const rows = rowsOf(schema, '');
  if (rows.length === 0) return 'Nothing.';
  return ['| key | type | default | description |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

/** One row a key, with the keys inside it below it. `prefix` ends with a dot unless it is empty. */
function rowsOf(schema: JsonSchema, prefix: string): string[] {
  const [first] = schema.oneOf ?? [];
  if (first !== undefined) return rowsOf(mergedKinds(first, schema.oneOf!), prefix);
  const rows = Object.entries(schema.properties ?? {}).flatMap(([key, property]) => {
    const isRequired = schema.required?.includes(key) === true;
    const below = property.seeBelow === undefined ? rowsOf(property, `${prefix}${key}.`) : [];
    return [row(`${prefix}${key}`, property, isRequired), ...below];
  });
  const entry = schema.additionalProperties;
  if (!entry) return rows;
  const key = `${prefix}<${schema.entry ?? 'name'}>`;
  return [...rows, row(key, entry, false), ...rowsOf(entry, `${key}.`)];
}

/** Kinds of object that differ in what `seeBelow` describes are one object in the table. */
function mergedKinds(first: JsonSchema, all: readonly JsonSchema[]): JsonSchema {
  const properties = Object.entries(first.properties ?? {}).map(([key, property]): [string, JsonSchema] => {
    if (!('const' in property)) return [key, property];
    const { const: one, ...rest } = property;
    const values = all.map((kind) => kind.properties?.[key]?.const ?? one);
    return [key, { ...rest, enum: values }];
  });
  return { ...first, properties: Object.fromEntries(properties) };
}

function row(key: string, schema: JsonSchema, isRequired: boolean): string {
  const link = schema.seeBelow === undefined ? '' : ` See [${schema.seeBelow}](#${schema.seeBelow.toLowerCase()}).`;
  const cells = [`\`${key}\``, typeOf(schema), defaultOf(schema, isRequired), (schema.description ?? '') + link];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
}

function defaultOf(schema: JsonSchema, isRequired: boolean): string {
  if (schema.defaultText !== undefined) return schema.defaultText;
  if (isRequired) return 'required';
  // The defaults of a mapping stand in the rows of its keys.
  if (schema.default === undefined || schema.type === 'object') return '';
  return `\`${Array.isArray(schema.default) ? `[${schema.default.join(', ')}]` : JSON.stringify(schema.default).replace(/^"(.*)"$/, '$1')}\``;
}

function typeOf(schema: JsonSchema): string {
  if ('const' in schema) return `\`${String(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(', ');
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeOf).join(' or ');
  if (schema.oneOf !== undefined || schema.type === 'object') return 'mapping';
  if (schema.type === 'array') return `list of ${schema.items === undefined ? 'values' : typeOf(schema.items)}`;
  if (schema.type === 'boolean') return '`true`, `false`';
  if (schema.type === 'integer') return `whole number${rangeOf(schema)}`;
  if (schema.type === 'number') return `number${rangeOf(schema)}`;
  return schema.type === 'string' ? 'text' : (schema.type ?? 'anything');
}

function rangeOf({ minimum, maximum }: JsonSchema): string {
  // zod bounds whole numbers by the safe integers; nobody needs to read that.
  const from = minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER;
  const to = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER;
  if (from && to) return `, ${minimum} to ${maximum}`;
  if (from) return `, from ${minimum}`;
  return to ? `, up to ${maximum}` : '';
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url))
  writeFileSync(referenceFile, configurationReference());
