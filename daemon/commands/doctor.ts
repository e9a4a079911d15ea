/** `babel-gateway doctor` */
import pc from 'picocolors';
import { loadConfig } from '../config.js';
import { configFileFor } from '../config-file.js';
import { examine, examineMachine } from '../doctor/examine.js';
import { ok } from '../doctor/finding.js';
import type { Finding } from '../doctor/finding.js';

const marks = { ok: pc.green('ok     '), note: pc.cyan('note   '), problem: pc.red('PROBLEM') };

/** Prints each finding; the process ends with status 1 if one is a problem. @throws ConfigError */
export async function doctor({ config: named, json }: { config?: string; json: boolean }): Promise<void> {
  const findings: Finding[] = [];
  for await (const finding of looked(named)) {
    findings.push(finding);
    const { about, state, text } = finding;
    if (!json) console.log(`${marks[state]}  ${pc.bold(about)}: ${text}`);
  }
  const problems = findings.filter(({ state }) => state === 'problem').length;
  if (json) console.log(JSON.stringify({ problems, findings }));
  else
    console.log(
      problems === 0 ? '\nNothing is missing.' : `\n${problems} ${problems === 1 ? 'thing' : 'things'} to mend.`,
    );
  // A device that hangs must not keep the process.
  process.exit(problems > 0 ? 1 : 0);
}

async function* looked(named: string | undefined): AsyncGenerator<Finding> {
  const file = configFileFor(named);
  if (file === undefined) yield* examineMachine();
  else {
    const config = await loadConfig(file);
    yield ok('configuration', file);
    yield* examine(config);
  }
}
