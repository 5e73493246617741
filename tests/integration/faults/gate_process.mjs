// A gate as a child process: what its parent has of it.

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('gate.mjs', import.meta.url));

export class GateProcess {
  // `options` are those of gate.mjs, by name.
  static async start(options) {
    const gate = new GateProcess();
    const words = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    gate.child = fork(program, words);
    gate.waiting = new Map();
    gate.asked = 0;
    gate.port = await new Promise((resolve, reject) => {
      gate.child.once('exit', (code) => reject(new Error(`a gate ended with ${code}`)));
      gate.child.once('message', ({ port }) => resolve(port));
    });
    gate.child.removeAllListeners('exit');
    gate.child.on('exit', (code) => {
      if (!gate.ended) {
        throw new Error(`a gate ended with ${code}`);
      }
    });
    gate.child.on('message', ({ id, result }) => {
      gate.waiting.get(id)(result);
      gate.waiting.delete(id);
    });
    return gate;
  }

  ask(question, ...given) {
    this.asked += 1;
    const id = this.asked;
    return new Promise((resolve) => {
      this.waiting.set(id, resolve);
      this.child.send({ id, ask: question, given });
    });
  }

  end() {
    this.ended = true;
    this.child.disconnect();
  }
}
