// Loads the npm packages of these tests from where tests/support/npm_packages.sh keeps them.

import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const installer = join(here, '../../support/npm_packages.sh');
export const packages = execFileSync(installer, [here], { encoding: 'utf8' }).trim();

export const load = createRequire(`${packages}/`);
