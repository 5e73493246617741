// Users of one client who stay, and come back when their session is lost: stanza and Converse by
// themselves, CAXL after its countdown, Strophe as soon as its application is told. The first line
// of standard input is an order in JSON, and what happens to whom is told a line each, `at` in
// milliseconds since 1970:
//
//   node tests/integration/clients/crowd.mjs strophe|stanza|converse|caxl|caxl-sd
//   > {"users": [{"jid": "...", "password": "...", "url": "https://..."}], "countdown": 30}
//   < {"jid": "alice@example.com", "what": "up", "at": 1700000000000}
//   < {"jid": "alice@example.com", "what": "told", "why": "item-not-found", "at": 1700000000100}

import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

import { clientOf } from './every_client.mjs';
import { HttpClient } from './http_client.mjs';

const kind = process.argv[2];
const byThemselves = ['stanza', 'converse'].includes(kind);
const applicationPause = 1000; // ms until an application tries again after a failure

// CAXL counts whole seconds, a tenth more or less than what is configured.
const countdownOf = (seconds) => seconds + Math.round((Math.random() - 0.5) * (seconds / 5));

class Person {
  constructor(Client, { jid, password, url, countdown }) {
    Object.assign(this, { Client, jid, password, url, countdown });
  }

  say(what, why) {
    console.log(JSON.stringify({ jid: this.jid, what, why, at: Date.now() }));
  }

  client() {
    return new this.Client({
      url: this.url,
      jid: this.jid,
      password: this.password,
      http: new HttpClient({ insecure: true }),
      again: true,
      onMessage: () => {},
      onUp: () => this.say('up'),
      onLost: (why) => this.lost(why),
    });
  }

  // Resolves when the user is in for the first time.
  async arrive() {
    this.one = this.client();
    await this.one.login();
    this.arrived = true;
    if (!byThemselves) {
      this.say('up');
    }
  }

  lost(why) {
    this.say('told', why);
    if (this.arrived && !byThemselves && !this.returning) {
      this.returning = true;
      this.comeBack().finally(() => {
        this.returning = false;
      });
    }
  }

  async comeBack() {
    for (let failures = 0; ; failures += 1) {
      if (kind !== 'strophe') {
        await sleep(countdownOf(this.countdown) * 1000);
      } else if (failures > 0) {
        await sleep(applicationPause);
      }
      try {
        this.one = kind === 'caxl-sd' ? this.one : this.client(); // it remembers nodes
        await this.one.login();
        this.say('up');
        return;
      } catch (error) {
        this.say('told', error.message);
      }
    }
  }
}

const Client = await clientOf(kind);
const lines = createInterface({ input: process.stdin });
const { value } = await lines[Symbol.asyncIterator]().next();
const { users, countdown } = JSON.parse(value);
// One after another: the proxy gives a busy node a second, then it takes the next one.
for (const user of users) {
  await new Person(Client, { ...user, countdown }).arrive();
}
lines.on('close', () => process.exit(0));
