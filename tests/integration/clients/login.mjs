// Logs users of one real client in, one after another, each on a client of its own, and says how
// long that took and what it saw. Orders come as lines of JSON, one line is answered with one:
//
//   node tests/integration/clients/login.mjs strophe|stanza|caxl
//   > {"url": "https://...", "jid": "alice@example.com", "password": "...", "seconds": 20}
//   < {"jid": "alice@example.com/x", "ms": 512, "requests": 6}
//   < {"error": "authentication failed", "ms": 80, "failure": {"what": "HTTP 503", "ms": 12}}
//
// `failure` is the first answer that was no normal one, and when it came: a library may go on
// asking long after that. A login that takes longer than `seconds` is given up.

import { createInterface } from 'node:readline';

import { HttpClient } from './http_client.mjs';

const sources = {
  strophe: ['./strophe_client.mjs', 'StropheClient'],
  stanza: ['./stanza_client.mjs', 'StanzaClient'],
  caxl: ['./caxl_client.mjs', 'CaxlClient'],
};

// Notes the first answer that says no.
class WatchedHttp extends HttpClient {
  began = performance.now();

  post(url, headers, body, onAnswer, onFailure) {
    const answered = (status, text) => {
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
  const client = new Client({ url, jid, password, http, onMessage: () => {}, onLost: () => {} });
  const { over, end } = patience(seconds);
  const seen = {};
  try {
    seen.jid = await Promise.race([client.login(), over]);
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
  http.close();
  return { ...seen, requests: http.requests };
}

const [file, name] = sources[process.argv[2]];
const { [name]: Client } = await import(file);
for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await login(Client, JSON.parse(line))));
}
process.exit(0); // a library that was given up may still have timers
