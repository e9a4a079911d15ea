import type { z } from 'zod';

/** What is wrong with a request, in one line. */
export function problems({ issues }: z.ZodError): string {
  return issues.map(({ path, message }) => `${path.join('.') || 'the whole'}: ${message}`).join('; ');
}
