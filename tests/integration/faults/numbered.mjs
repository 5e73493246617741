// Numbered messages: each direction of a talk has a mark of its own, and every message says which
// one it is.

import { randomBytes } from 'node:crypto';

import { oddTexts } from '../clients/odd_texts.mjs';

// Finds marks and numbers in bytes that were read as Latin-1.
export const tag = /#([0-9a-f]{8}-\d+)#/g;

const samples = [...oddTexts, 'x'.repeat(700)];

// One direction of a talk: what was sent, what arrived, and what was wrong with it.
export class Direction {
  constructor(count) {
    this.mark = randomBytes(4).toString('hex');
    this.count = count; // messages to be sent
    this.sent = 0;
    this.seen = new Set();
    this.last = 0;
    this.wrong = { doubled: 0, disordered: 0, altered: 0, echoed: 0 };
  }

  text(number) {
    return `#${this.mark}-${number}# ${samples[number % samples.length]}`;
  }

  isMine(body) {
    return body.startsWith(`#${this.mark}-`);
  }

  // The next message to send.
  next() {
    this.sent += 1;
    return this.text(this.sent);
  }

  // Takes what arrived; false if it is no message of this direction.
  take(body) {
    if (!this.isMine(body)) {
      return false;
    }
    const number = Number(/-(\d+)#/.exec(body)[1]);
    this.wrong.doubled += this.seen.has(number) ? 1 : 0;
    this.wrong.disordered += number < this.last && !this.seen.has(number) ? 1 : 0;
    this.wrong.altered += body === this.text(number) ? 0 : 1;
    this.seen.add(number);
    this.last = Math.max(this.last, number);
    return true;
  }

  get missing() {
    const numbers = Array.from({ length: this.sent }, (_, index) => index + 1);
    return numbers
      .filter((number) => !this.seen.has(number))
      .map((number) => `${this.mark}-${number}`);
  }

  get done() {
    return this.seen.size === this.count;
  }
}
