import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a stuck worker waits for. @param number of the request, in the test process `parent` */
export const releaseFile = (parent: number, number: number): string =>
  join(tmpdir(), `babel-gateway-test-${parent}-release-${number}`);
