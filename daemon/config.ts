/** Reads the configuration file. What may stand in it is in `config-schema.ts`; the manual is `docs/configuration.md`. */
import { readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from 'yaml';
import { findDriver } from '../drivers/registry.js';
import { validate, type Complaint } from './config-problems.js';
import { allSensors, type Config } from './config-schema.js';
import { driverFilePaths } from './driver-files.js';
import { packageRoot } from './package-root.js';

export { allSensors, type Config, type FeedSettings, type PlaceConfig, type SensorConfig } from './config-schema.js';

export interface ConfigProblem {
  file: string;
  /** From 1; absent if the file could not be read at all. */
  line?: number;
  column?: number;
  /** Keys from the top, joined by dots; empty for the whole file. */
  key: string;
  message: string;
}

/** Everything that is wrong with a configuration file; the message has one line a problem. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(formatProblem).join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** `file:line:column: key: message`, which editors and terminals turn into links. */
export function formatProblem({ file, line, column, key, message }: ConfigProblem): string {
  const position = line === undefined ? file : `${file}:${line}:${column ?? 1}`;
  return `${position}: ${key === '' ? '' : `${key}: `}${message}`;
}

/**
 * Relative paths in the file are meant from the file's folder.
 * @throws ConfigError if the file cannot be read or anything in it is wrong
 */
export async function loadConfig(file: string): Promise<Config> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new ConfigError([{ file, key: '', message: unreadable(error) }]);
  }
  return parseConfig(text, file);
}

function unreadable(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const example = join(packageRoot, 'examples', 'home.yaml');
  if (code === 'ENOENT') return `no such file. Begin with a copy of ${example}`;
  if (code === 'EISDIR') return 'this is a folder; name the YAML file in it';
  if (code === 'EACCES') return 'may not be read by this user; see its owner and permissions with ls -l';
  return message;
}

/**
 * @param text YAML 1.2
 * @param fileName named in problems; relative paths are meant from its folder
 * @param environment what `${NAME}` in texts stands for
 * @throws ConfigError with every problem found
 */
export function parseConfig(text: string, fileName: string, environment: NodeJS.ProcessEnv = process.env): Config {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const problemAt = (offset: number, key: string, message: string): ConfigProblem => {
    const { line, col } = lines.linePos(offset);
    return { file: fileName, line: Math.max(1, line), column: Math.max(1, col), key, message };
  };

  const syntax = syntaxErrors(document, text);
  if (syntax.length > 0) throw new ConfigError(syntax.map(({ offset, message }) => problemAt(offset, '', message)));

  let written: unknown;
  try {
    written = document.toJS() ?? {};
  } catch (error) {
    // Aliases that point nowhere, or that unfold to a thousandfold of the file.
    throw new ConfigError([problemAt(0, '', (error as Error).message)]);
  }

  const complaints: Complaint[] = [];
  const data = substituted(written, [], environment, complaints);
  const unset = new Set(complaints.map(({ path }) => path.join('\n')));
  const { config, complaints: invalid = [] } = validate(data);
  complaints.push(...invalid.filter(({ path }) => !unset.has(path.join('\n'))));

  if (config === undefined || complaints.length > 0) {
    const problems = complaints.map(({ path, at, message }) =>
      problemAt(offsetOf(document, path, at), path.join('.'), message),
    );
    throw new ConfigError(problems.sort((a, b) => a.line! - b.line! || a.column! - b.column!));
  }
  return withAbsolutePaths(config, dirname(fileName));
}

/** Where YAML cannot go on: the first place only, since the rest follows from it, and every key that is given twice. */
function syntaxErrors(document: Document.Parsed, text: string): { offset: number; message: string }[] {
  const [first, ...rest] = [...document.errors, ...document.warnings];
  if (first === undefined) return [];
  return [first, ...rest.filter(({ code }) => code === 'DUPLICATE_KEY')].map(({ code, pos: [offset], message }) => {
    if (code === 'DUPLICATE_KEY') return { offset, message: 'this key is given twice' };
    if (code === 'MULTIPLE_DOCS') return { offset, message: 'a second YAML document begins here; keep one' };
    const isSubstitution = text.slice(offset - 1, offset + 1) === '${';
    return { offset, message: isSubstitution ? 'inside { } and [ ] put quotes around "${NAME}"' : message };
  });
}

/** `data` with `${NAME}` in its texts replaced from the environment; what a variable holds is not looked into again. */
function substituted(
  data: unknown,
  path: readonly PropertyKey[],
  environment: NodeJS.ProcessEnv,
  complaints: Complaint[],
): unknown {
  if (Array.isArray(data))
    return data.map((item, index) => substituted(item, [...path, index], environment, complaints));
  if (typeof data === 'object' && data !== null)
    return Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, substituted(value, [...path, key], environment, complaints)]),
    );
  if (typeof data !== 'string') return data;
  return data.replace(/\$\{([^}]*)\}/g, (all, name: string) => {
    const value = environment[name];
    if (value !== undefined) return value;
    const message = /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)
      ? `the environment variable ${name} is not set`
      : `${all} is not the name of an environment variable; only \${NAME} can stand here`;
    complaints.push({ path, at: 'value', message });
    return all;
  });
}

/** Where in the text the key or value at `path` stands; of a path that is absent, the last key that is there. */
function offsetOf(document: Document.Parsed, path: readonly PropertyKey[], at: 'key' | 'value'): number {
  let node: Node | null | undefined = document.contents;
  let key: Node | undefined;
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find((item) => String(isScalar(item.key) ? item.key.value : item.key) === String(step));
      if (pair === undefined) return startOf(key);
      key = pair.key as Node;
      node = pair.value as Node | null;
    } else if (isSeq(node)) {
      const item = node.items[Number(step)] as Node | undefined;
      if (item === undefined) return startOf(key);
      key = node = item;
    } else return startOf(key);
  }
  // A mapping begins on the line below its key, and an empty value nowhere: there the key is the better place to look.
  return startOf(at === 'value' && isScalar(node) && node.value !== null ? node : key);
}

function startOf(node: Node | undefined): number {
  return node?.range?.[0] ?? 0;
}

function withAbsolutePaths(config: Config, folder: string): Config {
  const absolute = (path: string) => resolve(folder, path);
  const { towers } = config.models;
  for (const [modality, path] of Object.entries(towers)) towers[modality as keyof typeof towers] = absolute(path);
  for (const { sensor } of allSensors(config)) {
    const { feed, transport, settings } = sensor;
    if (feed?.kind === 'utd-mhad') feed.data = absolute(feed.data);
    if (transport && 'file' in transport && transport.file !== undefined) transport.file = absolute(transport.file);
    for (const [name, path] of driverFilePaths(findDriver(sensor.driver)!, settings))
      (settings as Record<string, unknown>)[name] = absolute(path);
  }
  return { ...config, dataDirectory: absolute(config.dataDirectory) };
}
