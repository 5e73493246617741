// One signed-in user: an XMPP session over BOSH. Strophe.js does the protocol; this file adds the
// roster, presence, one-to-one messages with receipts and typing notices, reconnecting, and the
// facts that the connection panel shows. It never touches the page: everything it has to say goes
// to the listener it was given.
//
// listener.state({phase, note, retryAt})   connecting | online | troubled | waiting | ended
// listener.contacts()                      roster or presence changed: read session.contacts
// listener.message({with, id, text, time, mine, state})
// listener.mark(jid, id, state)            our message was delivered, or came back
// listener.typing(jid, isTyping)
// listener.asks(jid)                       somebody wants to see our presence
// listener.facts()                         session.facts changed

const { Strophe, $iq, $msg, $pres } = globalThis;

const ns = {
  roster: 'jabber:iq:roster',
  version: 'jabber:iq:version',
  ping: 'urn:xmpp:ping',
  receipts: 'urn:xmpp:receipts',
  chatStates: 'http://jabber.org/protocol/chatstates',
  delay: 'urn:xmpp:delay',
  stanzas: 'urn:ietf:params:xml:ns:xmpp-stanzas',
};

const firstPause = 1000; // ms between two attempts to reconnect; doubles up to longestPause
const longestPause = 30000;
const failuresWhileSigningIn = 2; // failed requests before signing in is given up
const failuresWhileOnline = 4; // Strophe has repeated the request for about 35 s by then
const queryTimeout = 15000;
const firstMeasure = 1000; // ms after signing in, when roster and presence have gone through

const bare = (jid) => Strophe.getBareJidFromJid(jid);

// Characters that XML 1.0 can't carry end the stream when sent, and lone surrogates can't be
// encoded.
const sendable = (text) =>
  text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
    .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd');

const childrenNamed = (element, name) => [...element.getElementsByTagName(name)];

export class ChatSession {
  constructor({ path, jid, password, wait, listener }) {
    Object.assign(this, { path, jid, password, wait, listener });
    this.contacts = new Map(); // bare jid -> {jid, name, subscription, asking, resources}
    this.availability = { show: '', status: '' };
    this.facts = { sent: 0, answered: 0, failed: 0, reconnects: 0, hostnames: [] };
    this.failures = 0; // requests that failed since the last good answer
    this.pause = firstPause;
    this.everOnline = false;
    this.leaving = false;
    this.farewell = ''; // why we leave, when the user didn't ask for it
    this.connection = this.newConnection();
  }

  // ---- the connection's life ----

  newConnection() {
    // Strophe's SCRAM needs crypto.subtle, which browsers offer to secure pages (and localhost)
    // only.
    const mechanisms = globalThis.isSecureContext ? undefined : [Strophe.SASLPlain];
    const connection = new Strophe.Connection(this.path, { keepalive: true, mechanisms });
    for (const status of [
      0, 400, 401, 403, 404, 405, 408, 413, 421, 429, 431, 500, 502, 503, 504,
    ]) {
      connection.addProtocolErrorHandler('HTTP', status, () => this.requestFailed(status));
    }
    connection.rawOutput = () => this.count('sent');
    connection.rawInput = () => this.answered();
    connection.xmlInput = (body) => this.readGrant(body);
    this.nameUser(connection);
    return connection;
  }

  // Strophe leaves `from` out of the session request. A node that names home and backup nodes
  // (Cisco's <hostname/>) picks them by it, so add it there.
  nameUser(connection) {
    const transport = connection._proto;
    const build = transport._buildBody.bind(transport);
    transport._buildBody = () => {
      const body = build();
      return transport.sid === null ? body.attrs({ from: bare(this.jid) }) : body;
    };
  }

  signIn() {
    this.say('connecting');
    this.connection.connect(
      this.jid,
      this.password,
      (...news) => this.statusChanged(...news),
      this.wait,
    );
  }

  // Goes on with the session that this tab had before it was reloaded. Throws when there is none.
  resume() {
    this.connection.restore(this.jid, (...news) => this.statusChanged(...news), this.wait);
  }

  signOut() {
    this.leaving = true;
    clearTimeout(this.timer);
    if (this.connection.connected) {
      this.connection.disconnect('signed out');
    } else {
      this.end('');
    }
  }

  reconnectNow() {
    clearTimeout(this.timer);
    this.facts.reconnects += 1;
    this.failures = 0;
    this.drop();
    this.connection = this.newConnection();
    this.signIn();
  }

  // Forgets a connection whatever its state: nothing of it is heard of again.
  drop() {
    this.connection.connect_callback = null;
    this.connection._proto._abortAllRequests();
    this.connection.reset();
    clearTimeout(this.connection._idleTimeout);
  }

  statusChanged(status, condition) {
    const { Status } = Strophe;
    if (status === Status.AUTHFAIL) {
      this.leaving = true;
      this.farewell = 'The node refused this name or password.';
      this.connection.disconnect('authentication failed');
    } else if (status === Status.CONNFAIL) {
      this.reason = condition;
    } else if (status === Status.CONNECTED || status === Status.ATTACHED) {
      this.online(status === Status.ATTACHED);
    } else if (status === Status.DISCONNECTED) {
      this.lost(condition || this.reason);
    }
  }

  online(resumed) {
    this.jid = this.connection.jid;
    this.failures = 0;
    this.pause = firstPause;
    this.everOnline = true;
    this.facts.since = Date.now();
    this.connection.addHandler((stanza) => this.onMessage(stanza), null, 'message');
    this.connection.addHandler((stanza) => this.onPresence(stanza), null, 'presence');
    this.connection.addHandler((stanza) => this.onQuery(stanza), null, 'iq', 'get');
    this.connection.addHandler((stanza) => this.onQuery(stanza), null, 'iq', 'set');
    if (resumed) {
      // The server sends the contacts' presence only to those who become available anew. Both
      // stanzas leave in one request: nobody's message comes between them.
      this.connection.send($pres({ type: 'unavailable' }));
      this.sendAvailability(this.availability);
    }
    this.loadRoster(resumed);
    this.askVersion();
    setTimeout(() => this.measure(), firstMeasure);
    this.say('online');
  }

  lost(reason) {
    if (this.leaving || !this.everOnline || !this.password) {
      const why = reason ? `The session ended: ${reason}.` : 'The session ended.';
      this.end(this.leaving ? this.farewell : why);
      return;
    }
    const retryAt = Date.now() + this.pause;
    this.timer = setTimeout(() => this.reconnectNow(), this.pause);
    this.pause = Math.min(this.pause * 2, longestPause);
    this.contacts.forEach((contact) => contact.resources.clear());
    this.listener.contacts();
    this.say('waiting', reason ? `Disconnected (${reason}).` : 'Disconnected.', retryAt);
  }

  end(note) {
    if (this.ended) {
      return;
    }
    this.ended = true;
    clearTimeout(this.timer);
    this.drop();
    this.say('ended', note);
  }

  say(phase, note = '', retryAt = 0) {
    this.phase = phase;
    this.listener.state({ phase, note, retryAt });
  }

  // ---- counting what goes over the wire ----

  count(what) {
    this.facts[what] += 1;
    this.listener.facts();
  }

  answered() {
    this.failures = 0;
    this.count('answered');
    if (this.phase === 'troubled') {
      this.say('online');
    }
  }

  // Strophe repeats a request that failed with 5xx or without an answer, each time after a longer
  // pause.
  requestFailed(status) {
    this.count('failed');
    this.failures += 1;
    this.reason = status ? `HTTP ${status}` : 'no answer';
    if (this.leaving) {
      return;
    }
    const limit = this.everOnline ? failuresWhileOnline : failuresWhileSigningIn;
    if (this.failures >= limit) {
      setTimeout(() => {
        // Later, because Strophe is still busy with the failed request.
        this.drop();
        this.lost(this.reason);
      });
    } else if (this.phase === 'online' || this.phase === 'troubled') {
      this.say('troubled', `${this.path} gave ${this.reason}. Repeating the request.`);
    }
  }

  // The answer to the session request: what the node grants, and where it says the user is at home.
  readGrant(body) {
    if (body.getAttribute('sid') && body.getAttribute('wait')) {
      for (const name of ['wait', 'hold', 'requests', 'inactivity']) {
        this.facts[name] = body.getAttribute(name);
      }
    }
    const names = childrenNamed(body, 'hostname').map((element) => element.textContent.trim());
    if (names.length > 0) {
      this.facts.hostnames = names;
    }
  }

  // ---- questions to the server ----

  query(stanza) {
    return new Promise((resolve, reject) => {
      this.connection.sendIQ(stanza, resolve, reject, queryTimeout);
      // Strophe gathers stanzas for 100 ms otherwise, and every round trip takes that long.
      this.connection.flush();
    });
  }

  async loadRoster(resumed) {
    try {
      const answer = await this.query($iq({ type: 'get' }).c('query', { xmlns: ns.roster }));
      childrenNamed(answer, 'item').forEach((item) => this.takeItem(item));
    } catch {
      // A server without rosters still carries messages.
    }
    if (!resumed) {
      this.sendAvailability(this.availability);
    }
    this.listener.contacts();
  }

  async askVersion() {
    const domain = Strophe.getDomainFromJid(this.jid);
    try {
      const answer = await this.query(
        $iq({ type: 'get', to: domain }).c('query', { xmlns: ns.version }),
      );
      const part = (name) => childrenNamed(answer, name)[0]?.textContent ?? '';
      this.facts.software = `${part('name')} ${part('version')}`.trim();
    } catch {
      this.facts.software = 'not told';
    }
    this.listener.facts();
  }

  // One XMPP ping through proxy and node, there and back.
  async measure() {
    const domain = Strophe.getDomainFromJid(this.jid);
    const start = performance.now();
    try {
      await this.query($iq({ type: 'get', to: domain }).c('ping', { xmlns: ns.ping }));
    } catch (answer) {
      if (!answer) {
        return; // time-out: no figure is better than a wrong one
      }
    }
    this.facts.roundTrip = performance.now() - start;
    this.listener.facts();
  }

  // ---- roster and presence ----

  contact(jid) {
    if (!this.contacts.has(jid)) {
      const name = Strophe.unescapeNode(Strophe.getNodeFromJid(jid) ?? jid);
      this.contacts.set(jid, { jid, name, subscription: 'none', resources: new Map() });
    }
    return this.contacts.get(jid);
  }

  takeItem(item) {
    const jid = bare(item.getAttribute('jid'));
    const subscription = item.getAttribute('subscription') ?? 'none';
    if (subscription === 'remove') {
      this.contacts.delete(jid);
      return;
    }
    const contact = this.contact(jid);
    Object.assign(contact, { subscription, asking: item.getAttribute('ask') === 'subscribe' });
    contact.name = item.getAttribute('name') || contact.name;
  }

  add(jid) {
    const item = { jid, name: this.contact(jid).name };
    this.query($iq({ type: 'set' }).c('query', { xmlns: ns.roster }).c('item', item)).catch(
      () => {},
    );
    this.connection.send($pres({ to: jid, type: 'subscribe' }));
  }

  accept(jid) {
    this.connection.send($pres({ to: jid, type: 'subscribed' }));
    if (!['to', 'both'].includes(this.contacts.get(jid)?.subscription)) {
      this.add(jid);
    }
  }

  decline(jid) {
    this.connection.send($pres({ to: jid, type: 'unsubscribed' }));
  }

  sendAvailability(availability) {
    this.availability = availability;
    const presence = $pres();
    if (availability.show) {
      presence.c('show').t(availability.show).up();
    }
    if (availability.status) {
      presence.c('status').t(sendable(availability.status)).up();
    }
    this.connection.send(presence);
  }

  onPresence(stanza) {
    const from = stanza.getAttribute('from') ?? '';
    const jid = bare(from);
    const type = stanza.getAttribute('type');
    if (type === 'subscribe') {
      this.listener.asks(jid);
    } else if (jid && jid !== bare(this.jid) && (!type || type === 'unavailable')) {
      const { resources } = this.contact(jid);
      const resource = Strophe.getResourceFromJid(from) ?? '';
      const text = (name) => childrenNamed(stanza, name)[0]?.textContent ?? '';
      if (type) {
        resources.delete(resource);
      } else {
        const priority = Number(text('priority')) || 0;
        resources.set(resource, { show: text('show'), status: text('status'), priority });
      }
      this.listener.contacts();
    }
    return true;
  }

  // The presence to show for a contact: of its resource with the highest priority. Undefined:
  // offline.
  presenceOf(jid) {
    const resources = [...(this.contacts.get(jid)?.resources.values() ?? [])];
    return resources.sort((a, b) => b.priority - a.priority)[0];
  }

  // ---- messages ----

  send(to, text) {
    const id = this.connection.getUniqueId('chat');
    const message = $msg({ to, id, type: 'chat' }).c('body').t(sendable(text)).up();
    message.c('active', { xmlns: ns.chatStates }).up().c('request', { xmlns: ns.receipts });
    this.connection.send(message);
    this.connection.flush();
    const entry = {
      with: to,
      id,
      text: sendable(text),
      time: Date.now(),
      mine: true,
      state: 'sent',
    };
    this.listener.message(entry);
  }

  // state: active, composing, paused (XEP-0085). Only for contacts who are there to see it.
  sendChatState(to, state) {
    if (this.phase === 'online' && this.presenceOf(to)) {
      this.connection.send($msg({ to, type: 'chat' }).c(state, { xmlns: ns.chatStates }));
    }
  }

  onMessage(stanza) {
    const from = stanza.getAttribute('from') ?? '';
    const jid = bare(from);
    const id = stanza.getAttribute('id');
    const child = (name, xmlns) =>
      [...stanza.children].find(
        (e) => e.localName === name && (!xmlns || e.namespaceURI === xmlns),
      );
    if (!jid || jid === bare(this.jid)) {
      return true;
    }
    if (stanza.getAttribute('type') === 'error') {
      this.listener.mark(jid, id, 'failed');
      return true;
    }
    const received = child('received', ns.receipts);
    if (received) {
      this.listener.mark(jid, received.getAttribute('id'), 'delivered');
    }
    const body = child('body');
    this.listener.typing(jid, !body && Boolean(child('composing', ns.chatStates)));
    if (body) {
      const stamp = child('delay', ns.delay)?.getAttribute('stamp');
      const time = stamp ? Date.parse(stamp) : Date.now();
      this.listener.message({ with: jid, id, text: body.textContent, time, mine: false });
      if (id && child('request', ns.receipts)) {
        const receipt = $msg({ to: from, type: 'chat' }).c('received', { xmlns: ns.receipts, id });
        this.connection.send(receipt);
      }
    }
    return true;
  }

  // Questions and pushes that arrive: every one is answered (RFC 6120 8.2.3).
  onQuery(stanza) {
    const from = stanza.getAttribute('from');
    const answer = $iq({ type: 'result', id: stanza.getAttribute('id') });
    if (from) {
      answer.attrs({ to: from });
    }
    const what = stanza.firstElementChild?.namespaceURI;
    const trusted = !from || bare(from) === bare(this.jid);
    if (what === ns.roster && stanza.getAttribute('type') === 'set' && trusted) {
      childrenNamed(stanza, 'item').forEach((item) => this.takeItem(item));
      this.listener.contacts();
    } else if (what !== ns.ping) {
      answer.attrs({ type: 'error' }).c('error', { type: 'cancel' });
      answer.c('service-unavailable', { xmlns: ns.stanzas });
    }
    this.connection.send(answer);
    return true;
  }
}
