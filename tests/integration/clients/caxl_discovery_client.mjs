// One user on a client of the shape of CAXL 2014.04 with service discovery on, where its URL is a
// path: the nodes that features name, the order in which it tries them while it connects, and the
// one-name defect. What the library keeps in localStorage is kept as long as the client is.

import { setTimeout as sleep } from 'node:timers/promises';

import { CaxlClient, StreamEnd } from './caxl_client.mjs';

const pause = 10; // ms between two streams
const secondary = '/httpbinding'; // where nothing else is configured

export class CaxlDiscoveryClient {
  constructor(options) {
    this.options = options;
    const { origin, pathname } = new URL(options.url);
    Object.assign(this, { origin, primary: pathname, discovery: pathname });
    Object.assign(this, { home: null, backup: null, node: null });
  }

  // Resolves to the full JID.
  async login() {
    for (;;) {
      const path = this.pathTo(this.node);
      this.client = new CaxlClient({
        ...this.options,
        url: this.origin + path,
        onLost: (why) => this.lost(why),
      });
      try {
        const features = await this.client.openStream();
        if (this.isRightPath(path, features)) {
          const jid = await this.client.authenticate(features);
          this.connected = true;
          return jid;
        }
        await this.client.endStream();
      } catch (error) {
        if (!(error instanceof StreamEnd) || !this.findNext()) {
          throw error;
        }
      }
      await sleep(pause);
    }
  }

  // What ends a stream while it connects is dealt with above.
  lost(why) {
    if (this.connected) {
      this.connected = false;
      this.options.onLost(why);
    }
  }

  logout() {
    this.connected = false;
    return this.client.logout();
  }

  pathTo(node) {
    if (!node || node.startsWith('/')) {
      return node || this.discovery;
    }
    // The library makes a URL of another origin of what looks like an address. No proxy would see
    // that user again, so here it is the end.
    if (!/^[0-9A-Za-z-][0-9A-Za-z.-]*[A-Za-z][0-9A-Za-z.-]*$/.test(node)) {
      throw new Error(`the client would leave the proxy for ${node}`);
    }
    return `/${node}`;
  }

  isRightPath(path, features) {
    const names = [...features.getElementsByTagName('hostname')].map((one) => one.textContent);
    [this.home = null, this.backup = null] = names;
    // Without a backup, "its path" is the one of discovery: who has one name stays there.
    if (!this.home || [this.pathTo(this.home), this.pathTo(this.backup)].includes(path)) {
      return true;
    }
    this.node = this.home;
    return false;
  }

  // After a stream that ended while connecting. False: everything was tried.
  findNext() {
    if (this.node && this.node === this.home && this.backup) {
      this.node = this.backup;
      return true;
    }
    this.node = null;
    if (!this.primaryTried) {
      this.primaryTried = true;
      this.discovery = this.primary;
      return true;
    }
    if (this.discovery === this.primary && secondary !== this.primary) {
      this.discovery = secondary;
      return true;
    }
    return false;
  }
}
