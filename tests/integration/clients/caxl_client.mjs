// One user on a client of the shape of Cisco's AJAX XMPP Library 2014.04, which can't be
// redistributed. What follows is what that library does on the wire: the attributes and their
// order, no charset, `from`, ver 1.9, hold 1, a timer of 10 ms that polls as soon as nothing is
// outstanding, two requests with stanzas or polls and a third for restart or terminate, three
// repeats of the newest request, and answers judged by their text.

import { setTimeout as sleep } from 'node:timers/promises';

import { load } from './packages.mjs';

const { DOMParser } = load('@xmldom/xmldom');

const httpbind = 'http://jabber.org/protocol/httpbind';
const heartbeat = 10; // ms
const retryPauses = [500, 2000, 4500]; // ms; a fourth failure ends the stream
const requestMargin = 5000; // ms over the wait that was granted; then the request is given up
const featuresPatience = 2000; // ms after a restart until features are assumed
const requestHeaders = {
  'Content-Type': 'text/xml',
  Accept: 'text/plain, */*; q=0.01',
  'X-Requested-With': 'XMLHttpRequest',
};

export function escapeXml(text) {
  const names = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };
  return text.replace(/[&<>"']/g, (character) => names[character]);
}

// Why a stream is no more, for whoever waited for something on it.
export class StreamEnd extends Error {}

export class CaxlClient {
  constructor({ url, jid, password, http, onMessage, onLost, wait = 30 }) {
    Object.assign(this, { url, jid, password, onMessage, onLost });
    [this.user, this.domain] = jid.split('@');
    this.http = http;
    this.rid = 32769 + Math.floor(Math.random() * (2 ** 32 - 32769));
    this.sid = '';
    this.wait = wait; // seconds
    this.open = new Map(); // rid -> {body, abort, timer}
    this.queue = [];
    this.closed = false;
    this.waiters = []; // what login and logout wait for: {test, resolve}
  }

  // ---- what the user does ----

  // Resolves to the full JID.
  async login() {
    return this.authenticate(await this.openStream());
  }

  // Resolves to the features of a fresh session.
  async openStream() {
    this.transmit(
      `<body xmlns="${httpbind}" xml:lang="en-US" xmlns:xmpp="urn:xmpp:xbosh" hold="1" ver="1.9" ` +
        `to="${this.domain}" wait="${this.wait}" xmpp:version="1.0" from="${this.jid}" ` +
        `rid="${this.rid}"/>`,
    );
    return this.expect((stanza) => stanza.nodeName === 'stream:features');
  }

  async authenticate(features) {
    const mechanisms = [...features.getElementsByTagName('mechanism')].map(
      (one) => one.textContent,
    );
    if (!mechanisms.includes('PLAIN')) {
      throw new Error(`mechanism-too-weak: ${mechanisms}`);
    }
    this.timer = setInterval(() => this.tick(), heartbeat);
    const secret = Buffer.from(`\0${this.user}\0${this.password}`).toString('base64');
    this.queue.push(
      `<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">${secret}</auth>`,
    );
    const verdict = await this.expect(({ nodeName }) => ['success', 'failure'].includes(nodeName));
    if (verdict.nodeName === 'failure') {
      throw new Error(`authentication failed: ${verdict}`);
    }
    await this.restart();
    const fullJid = await this.bind();
    this.queue.push('<presence xmlns="jabber:client"/>');
    return fullJid;
  }

  send(to, text) {
    const body = `<body>${escapeXml(text)}</body>`;
    this.queue.push(`<message xmlns="jabber:client" to="${to}" type="chat">${body}</message>`);
  }

  async logout() {
    await this.endStream('<presence xmlns="jabber:client" type="unavailable"/>');
    this.http.close();
  }

  async endStream(payload = '') {
    this.leaving = true;
    this.transmit(`<body ${this.common()} type="terminate">${payload}</body>`);
    await this.expect((stanza) => stanza.nodeName === 'terminated');
  }

  // When no features come within 2 s of the restart the library assumes them, and goes on.
  async restart() {
    this.transmit(
      `<body ${this.common()} xml:lang="en-US" xmlns:xmpp="urn:xmpp:xbosh" ` +
        `xmpp:restart="true" to="${this.domain}"/>`,
    );
    const features = this.expect((stanza) => stanza.nodeName === 'stream:features');
    await Promise.race([features, sleep(featuresPatience)]);
  }

  async bind() {
    this.queue.push(
      '<iq xmlns="jabber:client" type="set" id="bind_1">' +
        '<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>',
    );
    const answer = await this.expect(
      (stanza) => stanza.nodeName === 'iq' && stanza.getAttribute('id') === 'bind_1',
    );
    if (answer.getAttribute('type') !== 'result') {
      throw new Error(`bind: ${answer}`);
    }
    return answer.getElementsByTagName('jid')[0].textContent;
  }

  // ---- requests ----

  common() {
    return `xmlns="${httpbind}" rid="${this.rid}" sid="${this.sid}"`;
  }

  // Sends what waits while one of two requests is free; polls when nothing is outstanding.
  tick() {
    if (this.closed || this.leaving || !this.sid || this.pausing) {
      return;
    }
    if (this.open.size < 2 && this.queue.length > 0) {
      const payload = this.queue.join('');
      this.queue = [];
      this.transmit(`<body ${this.common()}>${payload}</body>`);
    } else if (this.open.size === 0) {
      this.transmit(`<body ${this.common()}/>`);
    }
  }

  transmit(body) {
    const { rid } = this;
    this.rid += 1;
    this.newest = rid;
    this.open.set(rid, { body });
    this.post(rid);
  }

  post(rid) {
    const request = this.open.get(rid);
    let settled = false;
    const once =
      (action) =>
      (...values) => {
        if (!settled && this.open.get(rid) === request) {
          settled = true;
          clearTimeout(request.timer);
          action(...values);
        }
      };
    const failed = once((why) => this.failed(rid, why));
    const answered = once((status, text) => {
      if (status < 200 || status > 299) {
        this.failed(rid, `HTTP ${status}`);
      } else {
        this.open.delete(rid);
        this.failures = 0;
        this.answered(text);
      }
    });
    request.abort = this.http.post(this.url, requestHeaders, request.body, answered, failed);
    request.timer = setTimeout(
      () => {
        failed('no answer in time');
        request.abort();
      },
      this.wait * 1000 + requestMargin,
    );
  }

  failed(rid, why) {
    this.failures = (this.failures ?? 0) + 1;
    const pause = retryPauses[this.failures - 1];
    if (this.leaving || pause === undefined) {
      this.close(`service-unavailable: ${why}`);
      return;
    }
    // The library repeats the request it sent last, which need not be the one that failed.
    if (rid !== this.newest) {
      this.open.delete(rid);
      this.http.abandon?.(rid);
    }
    this.pausing = true;
    setTimeout(() => {
      this.pausing = false;
      if (!this.closed && this.open.has(this.newest)) {
        this.post(this.newest);
      }
    }, pause);
  }

  // ---- answers ----

  answered(text) {
    // The library puts the text inside another element and looks for literal names and attributes.
    if (
      !/^<body[\s/>]/.test(text) ||
      !/^<body[^>]*\sxmlns=(["'])http:\/\/jabber\.org\/protocol\/httpbind\1/.test(text)
    ) {
      this.close(`not a BOSH answer: ${text.slice(0, 200)}`);
      return;
    }
    const body = new DOMParser().parseFromString(text, 'text/xml').documentElement;
    if (!this.sid) {
      this.sid = body.getAttribute('sid') ?? '';
      this.wait = Number(body.getAttribute('wait')) || this.wait;
    }
    for (const stanza of [...body.childNodes].filter((node) => node.nodeType === 1)) {
      this.take(stanza);
    }
    if (body.getAttribute('type') === 'terminate') {
      this.close(this.leaving ? '' : `terminated: ${body.getAttribute('condition')}`);
    }
  }

  take(stanza) {
    const waiter = this.waiters.find(({ test }) => test(stanza));
    if (waiter) {
      this.waiters.splice(this.waiters.indexOf(waiter), 1);
      waiter.resolve(stanza);
    }
    if (stanza.nodeName !== 'message') {
      return;
    }
    const body = [...stanza.childNodes].find((child) => child.nodeName === 'body');
    if (stanza.getAttribute('type') === 'error') {
      this.onLost(`a message came back: ${stanza}`);
    } else if (body) {
      this.onMessage((stanza.getAttribute('from') ?? '').split('/')[0], body.textContent);
    }
  }

  expect(test) {
    return new Promise((resolve, reject) => {
      this.waiters.push({ test, resolve, reject });
    });
  }

  // Any answer that ends the stream ends it, whichever request it came on.
  close(why) {
    if (this.closed) {
      return;
    }
    this.closed = true;
    clearInterval(this.timer);
    this.open.forEach((request) => clearTimeout(request.timer));
    const waiting = this.waiters.splice(0);
    waiting.forEach(({ test, resolve, reject }) => {
      if (!why && test({ nodeName: 'terminated' })) {
        resolve();
      } else {
        reject(new StreamEnd(why || 'the stream ended'));
      }
    });
    if (why) {
      this.onLost(why);
    }
  }
}
