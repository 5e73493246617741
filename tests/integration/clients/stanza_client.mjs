// One user on stanza (stanza.io): hold=2, wait=30, two channels, a fixed time-out of 33 s, and
// every answer that isn't 2xx is asked for again with the same rid.

import { fetch, urlThrough } from './http_client.mjs';
import { load } from './packages.mjs';

globalThis.fetch = fetch; // stanza binds it when it is loaded
const { createClient } = load('stanza');

export class StanzaClient {
  constructor({ url, jid, password, http, onMessage, onLost, onUp = () => {}, again = false }) {
    Object.assign(this, { onLost, onUp });
    this.http = http;
    this.client = createClient({
      jid,
      password,
      transports: { bosh: urlThrough(this.http, url), websocket: false },
      autoReconnect: again,
      useStreamManagement: false,
      sendReceipts: false,
      chatMarkers: false,
      timeout: 120, // s until an IQ is given up; repeats of its request may take more than 15
    });
    this.client.on('message', (message) => {
      if (message.type !== 'error' && message.body !== undefined) {
        onMessage((message.from ?? '').split('/')[0], message.body);
      }
    });
    this.client.on('message:error', (message) =>
      onLost(`a message came back: ${JSON.stringify(message)}`),
    );
    this.client.on('stream:error', (error) => onLost(error.condition));
    this.client.on('disconnected', () => {
      this.gone?.();
      onLost('disconnected');
    });
  }

  // Resolves to the full JID.
  login() {
    return new Promise((resolve, reject) => {
      this.client.on('session:started', () => {
        this.client.sendPresence();
        this.onUp();
        resolve(this.client.jid);
      });
      this.client.on('auth:failed', () => reject(new Error('stanza: authentication failed')));
      this.client.on('disconnected', () => reject(new Error('stanza: disconnected')));
      this.client.connect();
      // A stanza beside the end of the stream is pushed after it: the end arrives as an error event
      // then.
      this.client.transport.on('error', (error) => {
        this.gone?.();
        this.onLost(error.message);
      });
    });
  }

  send(to, text) {
    this.client.sendMessage({ to, type: 'chat', body: text });
  }

  logout() {
    return new Promise((resolve) => {
      this.gone = resolve;
      this.client.disconnect();
    }).finally(() => this.http.close());
  }
}
