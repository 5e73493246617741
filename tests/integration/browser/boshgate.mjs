// Starts the proxy under test with a configuration of the test's own, on a port that the system
// chooses.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { oneWait } from './browser.mjs';

const patience = oneWait; // ms until it listens, or has ended after SIGTERM
const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

// Resolves to {port, stop}. The binary is named by the environment variable BOSHGATE.
export async function startBoshgate(yaml) {
  const binary = process.env.BOSHGATE;
  if (!binary) {
    throw new Error('BOSHGATE is not set: it names the binary under test');
  }
  const directory = mkdtempSync(join(tmpdir(), 'boshgate-test-'));
  const file = join(directory, 'boshgate.yaml');
  // Several may run at once.
  const admin = /^admin:/m.test(yaml) ? '' : 'admin: { address: "127.0.0.1:0" }\n';
  writeFileSync(file, `${yaml.trimEnd()}\n${admin}`);
  const child = spawn(binary, ['serve', '-c', file], { stdio: ['ignore', 'ignore', 'pipe'] });
  running.add(child);
  const ended = new Promise((resolve) => {
    child.on('exit', (code) => {
      running.delete(child);
      rmSync(directory, { recursive: true, force: true });
      resolve(code);
    });
  });
  const said = [];
  const port = await new Promise((resolve, reject) => {
    const late = setTimeout(
      () => reject(new Error(`does not listen: ${said.join('\n')}`)),
      patience,
    );
    createInterface({ input: child.stderr }).on('line', (line) => {
      said.push(line);
      const found = /info listening on \S+ port (\d+)/.exec(line);
      if (found) {
        clearTimeout(late);
        resolve(Number(found[1]));
      }
    });
    child.on('error', reject);
    ended.then((code) => reject(new Error(`ended with status ${code}: ${said.join('\n')}`)));
  });
  const stop = async () => {
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), patience);
    const code = await ended;
    clearTimeout(late);
    return code;
  };
  return { port, stop };
}
