/** What a process and its children use, as proc(5) tells. */
import { readdir, readFile } from 'node:fs/promises';

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

/** Empty for a process that has just ended. */
const read = (pid: number, file: string) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');

async function withChildren(pid: number): Promise<number[]> {
  const threads = await readdir(`/proc/${pid}/task`);
  const lists = await Promise.all(threads.map((thread) => read(pid, `task/${thread}/children`)));
  return [pid, ...lists.join(' ').split(' ').filter(Boolean).map(Number)];
}

/** Hundredths of a second, user and system, of it and of its children that have ended. */
async function ticks(pid: number): Promise<number> {
  const stat = await read(pid, 'stat');
  // After the name, which is in brackets, utime, stime, cutime and cstime are the fields 12 to 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return sum(fields.slice(11, 15).map(Number));
}

async function residentKilobytes(pid: number): Promise<number> {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(await read(pid, 'status'))?.[1] ?? 0);
}

/** Processor time that a process and its children have used, all threads, seconds; to 10 ms. */
export async function processorSecondsOf(pid: number): Promise<number> {
  return sum(await Promise.all((await withChildren(pid)).map(ticks))) / 100;
}

/** Memory of a process and its children that lies in RAM (RSS), MiB. What they share, the program's code above all, counts for each. */
export async function residentMegabytesOf(pid: number): Promise<number> {
  return sum(await Promise.all((await withChildren(pid)).map(residentKilobytes))) / 1024;
}
