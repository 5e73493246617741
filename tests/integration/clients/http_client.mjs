// HTTP as a browser does it, for libraries that expect XMLHttpRequest or fetch: keep-alive
// connections from a pool of six for each origin, answers taken whole. Node's own fetch is not
// used, because it can't be told to trust the certificate of one proxy only.

import http from 'node:http';
import https from 'node:https';

const connectionsPerOrigin = 6; // what browsers allow over HTTP/1.1

// Sends the requests of one BOSH session and counts them. `insecure` accepts any certificate.
//
// A BOSH client must take answers in the order of its requests (XEP-0124 8), and Strophe and stanza
// take them as they come: two sockets that become readable at once would then swap messages,
// whatever stands between client and node. So an answer that overtook its predecessor waits here,
// and is counted in `overtaken`. Failures, and answers that end the session, don't wait.
export class HttpClient {
  constructor({ insecure = false, pace = 0 } = {}) {
    const options = { keepAlive: true, maxSockets: connectionsPerOrigin };
    this.plain = new http.Agent(options);
    this.secure = new https.Agent({ ...options, rejectUnauthorized: !insecure });
    // Requests in the order they were sent: {answer}, the function that delivers it once it is
    // there.
    this.open = [];
    this.pace = pace; // least time between two requests, in milliseconds
    this.next = 0; // when the next request may leave
    this.requests = 0;
    this.overtaken = 0;
    this.mostOpen = 0;
  }

  // Calls onAnswer(status, text) or onFailure(error), once. Returns a function that aborts without
  // either.
  post(url, headers, body, onAnswer, onFailure) {
    if (this.closed) {
      return () => {};
    }
    const { protocol } = new URL(url);
    const [client, agent] = protocol === 'https:' ? [https, this.secure] : [http, this.plain];
    const bytes = Buffer.from(body, 'utf8');
    const length = { 'Content-Length': bytes.length };
    const request = client.request(url, {
      method: 'POST',
      agent,
      headers: { ...headers, ...length },
    });
    const entry = {};
    this.open.push(entry);
    this.requests += 1;
    this.mostOpen = Math.max(this.mostOpen, this.open.length);
    const fail = (error) => this.settle(entry) && onFailure(error);
    request.on('response', (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('error', fail);
      answer.on('end', () => {
        const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts));
        entry.answer = () => onAnswer(answer.statusCode, text);
        const atOnce =
          answer.statusCode !== 200 || /^<body[^>]*\stype=(["'])terminate\1/.test(text);
        this.deliver(entry, atOnce);
      });
    });
    request.on('error', fail);
    const now = performance.now();
    const leaves = Math.max(now, this.next);
    this.next = leaves + this.pace;
    const timer = setTimeout(() => request.end(bytes), leaves - now);
    return () => {
      clearTimeout(timer);
      this.settle(entry);
      request.destroy();
    };
  }

  deliver(entry, atOnce) {
    if (atOnce) {
      if (this.settle(entry)) {
        entry.answer();
      }
      return;
    }
    this.overtaken += this.open.indexOf(entry) > 0 ? 1 : 0;
    this.flush();
  }

  // Takes a request off the list; what waited behind it goes on. False if it was settled before.
  settle(entry) {
    const place = this.open.indexOf(entry);
    if (place >= 0) {
      this.open.splice(place, 1);
      setImmediate(() => this.flush());
    }
    return place >= 0;
  }

  flush() {
    while (this.open[0]?.answer) {
      this.open.shift().answer();
    }
  }

  // The page is closed: what its library still does leads nowhere.
  close() {
    this.closed = true;
    this.open = [];
    this.plain.destroy();
    this.secure.destroy();
  }
}

// Libraries take fetch and XMLHttpRequest from the global object, one for all users. Which user's
// client a request goes through is told by the fragment of its URL, which never travels.
const clients = new Map();

export function urlThrough(client, url) {
  clients.set(String(clients.size), client);
  return `${url}#${clients.size - 1}`;
}

function split(url) {
  const [plain, fragment] = String(url).split('#');
  return [plain, clients.get(fragment)];
}

// The part of fetch that stanza uses.
export function fetch(url, { headers, body }) {
  const [plain, client] = split(url);
  return new Promise((resolve, reject) => {
    const onAnswer = (status, text) => {
      resolve({ ok: status >= 200 && status < 300, status, text: async () => text });
    };
    client.post(plain, headers, body, onAnswer, reject);
  });
}

// The part of XMLHttpRequest that Strophe uses. `parseXml` turns an answer's text into a document.
export function makeXmlHttpRequest(parseXml) {
  return class {
    readyState = 0;

    status = 0;

    responseText = '';

    responseXML = null;

    onreadystatechange = () => {};

    headers = {};

    open(method, url) {
      [this.url, this.client] = split(url);
      this.become(1);
    }

    setRequestHeader(name, value) {
      this.headers[name] = value;
    }

    getAllResponseHeaders() {
      return '';
    }

    send(body) {
      const onAnswer = (status, text) => {
        this.status = status;
        this.responseText = text;
        this.responseXML = text ? parseXml(text) : null;
        this.become(4);
      };
      this.cancel = this.client.post(this.url, this.headers, body, onAnswer, () => {
        this.status = 0;
        this.become(4);
      });
    }

    abort() {
      this.onreadystatechange = () => {};
      this.cancel?.();
    }

    become(state) {
      this.readyState = state;
      this.onreadystatechange();
    }
  };
}
