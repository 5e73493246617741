// Logs users of one real client in, one after another, each on a client of its own, and says how
// long that took and what came of it. Orders come as lines of JSON, one line is answered with one:
//
//   node tests/integration/clients/login.mjs strophe|stanza|converse|caxl|caxl-sd
//   > {"url": "https://...", "jid": "alice@example.com", "password": "...", "seconds": 20}
//   < {"jid": "alice@example.com/x", "ms": 512, "requests": 6, "answers": 6}
//   < {"error": "authentication failed", "ms": 80, "requests": 2, "answers": 2,
//      "failure": {"what": "HTTP 503", "ms": 12}}
//
// `error` is what the library tells its user first, whether it goes on trying or not, and `ms` is
// when; or that it told nothing for `seconds`. `failure` is the first answer that was no normal
// one, and when it came: there may be a long time between the two.

import { createInterface } from 'node:readline';

import { clientOf } from './every_client.mjs';
import { HttpClient } from './http_client.mjs';

// Notes the first answer that says no.
class WatchedHttp extends HttpClient {
  answers = 0;

  post(url, headers, body, onAnswer, onFailure) {
    const answered = (status, text) => {
      this.answers += 1;
      const condition = /^<body[^>]*\stype=(["'])terminate\1/.test(text)
        ? (/\scondition=(["'])([^"']*)\1/.exec(text)?.[2] ?? 'terminate')
        : '';
      if (status !== 200 || condition) {
        this.note(status === 200 ? condition : `HTTP ${status}`);
      }
      onAnswer(status, text);
    };
    const failed = (error) => {
      this.note(error.code ?? error.message);
      onFailure(error);
    };
    return super.post(url, headers, body, answered, failed);
  }

  note(what) {
    this.failure ??= { what, ms: performance.now() - this.began };
  }
}

function patience(seconds) {
  let timer;
  const over = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${seconds} s`)), seconds * 1000);
  });
  return { over, end: () => clearTimeout(timer) };
}

async function login(Client, { url, jid, password, seconds }) {
  const http = new WatchedHttp({ insecure: true });
  let tell;
  const told = new Promise((_, reject) => {
    tell = (why) => reject(new Error(why));
  });
  told.catch(() => {});
  const client = new Client({ url, jid, password, http, onMessage: () => {}, onLost: tell });
  const { over, end } = patience(seconds);
  const seen = {};
  http.began = performance.now();
  try {
    seen.jid = await Promise.race([client.login(), told, over]);
  } catch (error) {
    seen.error = error.message;
  }
  end();
  seen.ms = performance.now() - http.began;
  if (http.failure) {
    seen.failure = http.failure;
  }
  if (seen.jid) {
    // stanza says that it has gone when its last poll is over; nobody has to wait for that.
    const leaving = patience(0.3);
    await Promise.race([client.logout(), leaving.over]).catch(() => {});
    leaving.end();
  }
  client.close?.();
  http.close();
  return { ...seen, requests: http.requests, answers: http.answers };
}

const Client = await clientOf(process.argv[2]);
for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await login(Client, JSON.parse(line))));
}
process.exit(0); // a library that was given up may still have timers
