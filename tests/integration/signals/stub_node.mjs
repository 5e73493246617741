// A stand-in for node and proxy in one: serves the page of a run, plays a BOSH server that every
// client can log in to, and sends one signal at the moment that the run wants it.

import http from 'node:http';

const httpbind = 'http://jabber.org/protocol/httpbind';
const sasl = 'urn:ietf:params:xml:ns:xmpp-sasl';
const quiet = 1000; // ms without a request until a session counts as idle
const refusesFor = 3000; // ms

const attribute = (text, name) =>
  new RegExp(`<body[^>]*\\s${name}=(?:'([^']*)'|"([^"]*)")`).exec(text)?.slice(1).find(Boolean);

function bodyWith(attributes, payload = '') {
  const all = Object.entries(attributes).map(([name, value]) => ` ${name}='${value}'`);
  const spaces = `xmlns='${httpbind}' xmlns:stream='http://etherx.jabber.org/streams'`;
  return `<body ${spaces}${all.join('')}>${payload}</body>`;
}

const features = (inside) => `<stream:features>${inside}</stream:features>`;
const mechanisms = `<mechanisms xmlns='${sasl}'><mechanism>PLAIN</mechanism></mechanisms>`;
const bind = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>";

// What a server says to a client's stanzas, enough for four libraries to feel at home.
function answersTo(text) {
  if (text.includes('<auth')) {
    return `<success xmlns='${sasl}'/>`;
  }
  if (/:restart=/.test(text)) {
    return features(bind);
  }
  return [...text.matchAll(/<iq\b[^>]*>/g)]
    .map(([tag]) => {
      const [id] = /\sid=["']([^"']*)/.exec(tag)?.slice(1) ?? [''];
      const rest = text.slice(text.indexOf(tag));
      const result = (payload) =>
        `<iq xmlns='jabber:client' type='result' id='${id}'>${payload}</iq>`;
      if (/\stype=["'](?:result|error)/.test(tag)) {
        return '';
      }
      if (rest.includes('xmpp-bind')) {
        return result(
          "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>alice@example.com/r</jid></bind>",
        );
      }
      if (/\sto=/.test(tag) || !/roster|session/.test(rest)) {
        return (
          `<iq xmlns='jabber:client' type='error' id='${id}'><error type='cancel'>` +
          "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
        );
      }
      return result(rest.includes('jabber:iq:roster') ? "<query xmlns='jabber:iq:roster'/>" : '');
    })
    .join('');
}

// One request with a <body/>, until it is answered.
class Exchange {
  constructor(text, request, response) {
    const { socket } = request;
    socket.exchanges = (socket.exchanges ?? 0) + 1;
    Object.assign(this, { text, response, socket, at: Date.now() });
    this.rid = Number(attribute(text, 'rid'));
    this.sid = attribute(text, 'sid');
    this.freshConnection = socket.exchanges === 1 && !socket.servedFile;
  }

  answer(status, type, body) {
    this.response.writeHead(status, {
      'Content-Type': type,
      'Content-Length': Buffer.byteLength(body),
    });
    this.response.end(body);
  }

  answerBody(attributes, payload) {
    this.answer(200, 'text/xml; charset=utf-8', bodyWith(attributes, payload));
  }
}

// The signals: each is sent to one exchange.
export const signals = {
  status: (status) => (exchange) =>
    exchange.answer(status, 'text/plain', 'no answer from the node\n'),
  terminate: (condition) => (exchange) =>
    exchange.answer(
      200,
      'text/xml; charset=utf-8',
      `<body xmlns='${httpbind}' type='terminate'${condition ? ` condition='${condition}'` : ''}/>`,
    ),
  close: () => (exchange) => exchange.socket.destroySoon(),
  reset: () => (exchange) => exchange.socket.resetAndDestroy(),
  refuse: () => (exchange, node) => node.refuse(exchange),
};

export class StubNode {
  // `files`: path -> {type, body}. `send` is the signal, `when` one of
  // 'session request'   to the first request of all
  // 'held poll'         to the poll that is held once the client has logged in
  // 'older of two'      to that poll while a newer request is open too
  constructor({ files, send, when, always = false }) {
    Object.assign(this, { files, send, when, always });
    this.exchanges = []; // all that came
    this.sessions = 0;
    this.server = http.createServer((request, response) => this.on(request, response));
    this.server.keepAliveTimeout = 0;
    this.sockets = new Set();
    this.server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
      socket.on('error', () => {});
    });
    this.idle = new Promise((resolve) => {
      this.becomeIdle = resolve;
    });
  }

  async start() {
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.port = this.server.address().port;
    return `http://127.0.0.1:${this.port}`;
  }

  stop() {
    clearTimeout(this.timer);
    clearTimeout(this.again);
    this.server.close();
    this.sockets.forEach((socket) => socket.destroy());
  }

  refuse(exchange) {
    this.server.close();
    exchange.socket.resetAndDestroy();
    this.sockets.forEach((socket) => socket.resetAndDestroy());
    this.again = setTimeout(() => this.server.listen(this.port, '127.0.0.1'), refusesFor);
  }

  on(request, response) {
    const path = request.url.split('?')[0];
    if (request.method !== 'POST') {
      request.socket.servedFile = true;
      const file = this.files[path];
      response.writeHead(file ? 200 : 404, { 'Content-Type': file?.type ?? 'text/plain' });
      response.end(file?.body ?? '');
      return;
    }
    const parts = [];
    request.on('data', (part) => parts.push(part));
    request.on('end', () => {
      const exchange = new Exchange(Buffer.concat(parts).toString(), request, response);
      this.exchanges.push(exchange);
      this.serve(exchange);
    });
  }

  signal(exchange) {
    this.sentAt ??= Date.now();
    this.sentTo ??= exchange;
    this.send(exchange, this);
  }

  serve(exchange) {
    clearTimeout(this.timer);
    if (this.when === 'session request' && (!this.sentAt || this.always)) {
      this.signal(exchange);
    } else if (this.sentAt && this.always) {
      this.signal(exchange);
    } else if (!exchange.sid) {
      this.open(exchange);
    } else if (this.waiting && !this.sentAt) {
      this.newer = exchange;
      this.signal(this.held);
      this.timer = setTimeout(
        () => this.newer.response.writableEnded || this.newer.answerBody({}),
        quiet,
      );
    } else if ([this.sentTo?.rid, this.newer?.rid].includes(exchange.rid) && this.newer) {
      exchange.answerBody({});
    } else {
      this.goOn(exchange);
    }
  }

  open(exchange) {
    this.sessions += 1;
    this.held = null;
    exchange.answerBody(
      {
        sid: `session${this.sessions}`,
        wait: 30,
        hold: 1,
        requests: 2,
        inactivity: 60,
        polling: 5,
        ver: '1.6',
        'xmlns:xmpp': 'urn:xmpp:xbosh',
        'xmpp:restartlogic': 'true',
      },
      features(mechanisms),
    );
  }

  // A poll is held until another request comes; what has an answer gets it at once.
  goOn(exchange) {
    if (/type=["']terminate/.test(exchange.text)) {
      exchange.answerBody({ type: 'terminate' });
      return;
    }
    const { held } = this;
    const payload = answersTo(exchange.text);
    this.held = null;
    if (held && held.rid !== exchange.rid && !held.response.writableEnded) {
      held.answerBody({});
    }
    if (payload) {
      exchange.answerBody({}, payload);
      return;
    }
    this.held = exchange;
    this.timer = setTimeout(() => {
      this.onIdle(exchange);
    }, quiet);
  }

  // The client has logged in, and waits.
  onIdle(exchange) {
    if (this.sentAt || this.when === 'session request' || exchange.socket.destroyed) {
      return;
    }
    this.becomeIdle();
    if (this.when === 'held poll') {
      this.signal(exchange);
    } else {
      this.waiting = true; // for the request that the run makes the client send
    }
  }
}
