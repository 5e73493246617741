// What passed a gate, for the judge: for every session the order in which requests entered, answers
// left and connections broke; and which answer carried which numbered message.

import { tag } from './numbered.mjs';

const startTag = /<(?:\w+:)?body[^>]*>/;

function attribute(text, name) {
  return new RegExp(`\\s${name}=(["'])(.*?)\\1`).exec(text)?.[2];
}

export class History {
  sessions = new Map(); // sid -> [{at, rid, what, ...}]

  carriers = new Map(); // message -> [{sid, rid, in}]: the requests and answers that carried it

  // The sid and rid of a request, {} when there is none.
  identify(bytes) {
    const text = startTag.exec(bytes.toString('latin1', 0, 4096))?.[0] ?? '';
    return { sid: attribute(text, 'sid'), rid: Number(attribute(text, 'rid')) };
  }

  note(request, what, more = {}) {
    if (request?.sid) {
      const events = this.sessions.get(request.sid) ?? [];
      events.push({ at: Date.now(), rid: request.rid, what, ...more });
      this.sessions.set(request.sid, events);
    }
  }

  // An answer that went down whole.
  answered(request, bytes) {
    const text = bytes.toString('latin1');
    const root = startTag.exec(text)?.[0] ?? '';
    const terminate = attribute(root, 'type') === 'terminate';
    const condition = terminate ? (attribute(root, 'condition') ?? 'none') : undefined;
    this.note(request, 'answered', { status: Number(text.slice(9, 12)), condition });
    this.carried(request, 'answer', bytes);
  }

  // A request that went up whole.
  entered(request, bytes) {
    this.note(request, 'entered');
    this.carried(request, 'request', bytes);
  }

  carried(request, within, bytes) {
    for (const [, message] of bytes.toString('latin1').matchAll(tag)) {
      const carriers = this.carriers.get(message) ?? [];
      carriers.push({ sid: request?.sid, rid: request?.rid, in: within });
      this.carriers.set(message, carriers);
    }
  }

  of(sid) {
    return this.sessions.get(sid) ?? [];
  }

  // How often a request entered before one with a lower rid of its session had entered.
  get overtakings() {
    let count = 0;
    for (const events of this.sessions.values()) {
      const entered = new Set();
      for (const { rid } of events.filter(({ what }) => what === 'entered')) {
        count += entered.size > 0 && !entered.has(rid) && !entered.has(rid - 1) ? 1 : 0;
        entered.add(rid);
      }
    }
    return count;
  }
}
