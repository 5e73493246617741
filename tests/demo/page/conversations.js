// What was said with whom, in this tab. Kept in sessionStorage, so that a reload shows it again and
// another tab, signed in as somebody else, doesn't see it. Bounded: the newest `kept` messages of
// each conversation.

const kept = 200;

export class Conversations {
  constructor(owner) {
    this.key = `boshgate-demo:${owner}`;
    this.all = new Map(); // bare jid -> {messages, unread, typing}
    try {
      const stored = JSON.parse(sessionStorage.getItem(this.key) ?? '[]');
      stored.forEach(([jid, messages, unread]) =>
        this.all.set(jid, { messages, unread, typing: false }),
      );
    } catch {
      // Storage that is switched off or holds nonsense only costs the history.
    }
  }

  with(jid) {
    if (!this.all.has(jid)) {
      this.all.set(jid, { messages: [], unread: 0, typing: false });
    }
    return this.all.get(jid);
  }

  last(jid) {
    return this.all.get(jid)?.messages.at(-1);
  }

  unread() {
    return [...this.all.values()].reduce((sum, conversation) => sum + conversation.unread, 0);
  }

  // Adds one message; `seen` tells whether the user is looking at this conversation.
  add(message, seen) {
    const conversation = this.with(message.with);
    conversation.messages.push(message);
    conversation.messages.splice(0, conversation.messages.length - kept);
    if (!message.mine && !seen) {
      conversation.unread += 1;
    }
    this.store();
  }

  // Returns whether such a message of ours is known.
  mark(jid, id, state) {
    const message = this.all.get(jid)?.messages.find((m) => m.mine && m.id === id);
    if (message) {
      message.state = state;
      this.store();
    }
    return Boolean(message);
  }

  read(jid) {
    this.with(jid).unread = 0;
    this.store();
  }

  forget() {
    sessionStorage.removeItem(this.key);
  }

  store() {
    const rows = [...this.all].map(([jid, { messages, unread }]) => [jid, messages, unread]);
    try {
      sessionStorage.setItem(this.key, JSON.stringify(rows));
    } catch {
      // Full or switched off: the conversation goes on without being kept.
    }
  }
}
