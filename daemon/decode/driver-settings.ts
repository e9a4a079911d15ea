/** The driver that a person named, and its settings from the command line. */
import { resolve } from 'node:path';
import { z } from 'zod';
import type { Driver } from '../../drivers/driver.js';
import type { SensorDescription } from '../../drivers/recording/sensor-description.js';
import { drivers, findDriver } from '../../drivers/registry.js';
import { readDriverFiles } from '../driver-files.js';
import { closest } from '../suggest.js';

/** Settings as the commands take them. */
export interface SettingOptions {
  metadata?: string;
  profile?: string;
  /** `name=value` */
  setting: string[];
}

/** @throws Error with one line */
export function driverNamed(name: string): Driver {
  const found = findDriver(name);
  if (found) return found;
  const known = drivers.map((driver) => driver.name);
  const meant = closest(name, known);
  throw new Error(
    `no driver '${name}'${meant === undefined ? `; known: ${known.join(', ')}` : `; did you mean ${meant}?`}`,
  );
}

/**
 * @param recorded what a recording says of the sensor; the options come before it
 * @throws Error with one line that says what is wrong and what to do
 */
export async function settingsFor(driver: Driver, options: SettingOptions, recorded?: SensorDescription) {
  const given: Record<string, unknown> = {};
  for (const text of options.setting) {
    const at = text.indexOf('=');
    if (at < 1) throw new Error(`--setting ${text}: give it as name=value`);
    given[text.slice(0, at)] = valueOf(text.slice(at + 1));
  }
  for (const name of ['metadata', 'profile'] as const) {
    const path = options[name];
    if (path === undefined) continue;
    if (driver.files?.includes(name) !== true) throw new Error(`${driver.name} takes no --${name}`);
    given[name] = resolve(path);
  }
  const read = (values: object) =>
    driver.settings.safeParse({ ...(recorded?.settings as object | undefined), ...values });
  let result = read(given);
  // A text may look like a number.
  if (!result.success) {
    const texts = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, asText(value)]));
    const asTexts = result.error.issues.flatMap(({ path: [name] }) =>
      typeof name === 'string' && name in texts ? [[name, texts[name]] as const] : [],
    );
    const again = read({ ...given, ...Object.fromEntries(asTexts) });
    if (again.success) result = again;
  }
  if (!result.success) throw new Error(`settings of ${driver.name}: ${settingProblems(driver, result.error.issues)}`);
  // A file that is not named here is not looked for: a recording holds its own, and a driver says itself what it lacks.
  return { settings: result.data, files: await readDriverFiles(driver, given) };
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function settingProblems(driver: Driver, issues: readonly z.core.$ZodIssue[]): string {
  const known = Object.keys(driver.settings instanceof z.ZodObject ? driver.settings.shape : {});
  const unknown = (key: string) => {
    const meant = closest(key, known);
    return `there is no ${key}; ${meant === undefined ? `known: ${known.join(', ')}` : `did you mean ${meant}?`}`;
  };
  return issues
    .flatMap((issue) =>
      issue.code === 'unrecognized_keys' ? issue.keys.map(unknown) : `${issue.path.join('.')}: ${issue.message}`,
    )
    .join('; ');
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
