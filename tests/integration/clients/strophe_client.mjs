// One user on Strophe.js, the client that most BOSH web applications use: hold=1, wait=60, ver=1.6,
// no `from`, stanzas gathered for 100 ms, at most two requests open.

import { makeXmlHttpRequest, urlThrough } from './http_client.mjs';
import { load } from './packages.mjs';

const { Strophe, $msg, $pres } = load('strophe.js');
Strophe.setLogLevel(Strophe.LogLevel.FATAL); // what goes wrong is reported below
// Strophe's own shim provides the parser.
const parseXml = (text) => new DOMParser().parseFromString(text, 'text/xml');
globalThis.XMLHttpRequest = makeXmlHttpRequest(parseXml);

export class StropheClient {
  constructor({ url, jid, password, http, onMessage, onLost, wait = 60 }) {
    Object.assign(this, { jid, password, onMessage, onLost, wait });
    this.http = http;
    const service = urlThrough(this.http, url);
    this.connection = new Strophe.Connection(service, { mechanisms: [Strophe.SASLPlain] });
  }

  // Resolves to the full JID.
  login() {
    return new Promise((resolve, reject) => {
      const onStatus = (status, condition) => {
        if (status === Strophe.Status.CONNECTED) {
          this.connection.addHandler((stanza) => this.receive(stanza), null, 'message');
          this.connection.send($pres());
          resolve(this.connection.jid);
        } else if ([Strophe.Status.CONNFAIL, Strophe.Status.AUTHFAIL].includes(status)) {
          reject(new Error(`Strophe: ${condition ?? 'authentication failed'}`));
          this.onLost(condition);
        } else if (status === Strophe.Status.DISCONNECTED) {
          this.gone?.();
          this.onLost(condition);
        }
      };
      this.connection.connect(this.jid, this.password, onStatus, this.wait);
    });
  }

  receive(stanza) {
    const body = [...stanza.childNodes].find((child) => child.nodeName === 'body');
    if (stanza.getAttribute('type') === 'error') {
      this.onLost(`a message came back: ${Strophe.serialize(stanza)}`);
    } else if (body) {
      this.onMessage(Strophe.getBareJidFromJid(stanza.getAttribute('from')), body.textContent);
    }
    return true;
  }

  send(to, text) {
    this.connection.send($msg({ to, type: 'chat' }).c('body').t(text));
  }

  logout() {
    return new Promise((resolve) => {
      this.gone = resolve;
      this.connection.disconnect('done');
    }).finally(() => this.http.close());
  }
}
