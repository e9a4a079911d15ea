/** `babel-gateway doctor` */
import pc from 'picocolors';
import { loadConfig } from '../config.js';
import { findConfigFile } from '../config-file.js';
import { examine } from '../doctor.js';
import type { Finding } from '../doctor.js';

const marks = { ok: pc.green('ok     '), note: pc.cyan('note   '), problem: pc.red('PROBLEM') };

/** Prints each finding; the process ends with status 1 if one is a problem. @throws ConfigError */
export async function doctor({ config: named, json }: { config?: string; json: boolean }): Promise<void> {
  const file = findConfigFile(named);
  const config = await loadConfig(file);
  const findings: Finding[] = [{ about: 'configuration', state: 'ok', text: file }];
  const print = ({ about, state, text }: Finding) => console.log(`${marks[state]}  ${pc.bold(about)}: ${text}`);
  if (!json) findings.forEach(print);
  for await (const finding of examine(config)) {
    findings.push(finding);
    if (!json) print(finding);
  }
  const problems = findings.filter(({ state }) => state === 'problem').length;
  if (json) console.log(JSON.stringify({ problems, findings }));
  else
    console.log(
      problems === 0 ? '\nNothing is missing.' : `\n${problems} ${problems === 1 ? 'thing' : 'things'} to mend.`,
    );
  if (problems > 0) process.exitCode = 1;
}
