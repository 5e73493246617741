// One user on Converse (headless), the chat that many sites embed: Strophe with wait=59, below
// rules of its own on when to try again. It is made for one user to a page, so each gets a page
// here: a window of jsdom.

import { webcrypto } from 'node:crypto';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

import { makeXmlHttpRequest, urlThrough } from './http_client.mjs';
import { load, packages } from './packages.mjs';

const { JSDOM, VirtualConsole } = load('jsdom');
const headless = 'node_modules/converse.js/src/headless/dist/converse-headless.js';
const bundle = await load('esbuild').build({
  stdin: {
    contents: `
      import { api, constants, converse } from '@converse/headless';
      Object.assign(window, { api, constants, converse });
    `,
    resolveDir: dirname(fileURLToPath(import.meta.url)),
  },
  bundle: true,
  format: 'iife',
  platform: 'browser',
  write: false,
  logLevel: 'error',
  nodePaths: [join(packages, 'node_modules')],
  define: { global: 'globalThis' },
  external: ['fs', 'path'], // asked for by a library of Converse's where it runs in Node.js
  alias: { '@converse/headless': join(packages, headless) },
});
// A page's console gets what nobody caught, and the page goes on.
process.on('unhandledRejection', () => {});

const script = new Script(bundle.outputFiles[0].text, { filename: 'converse.js' });

export class ConverseClient {
  constructor({ url, jid, password, http, onLost, onUp = () => {} }) {
    Object.assign(this, { jid, password, http, onLost, onUp });
    this.service = urlThrough(http, url);
    const page = new JSDOM('', {
      url: new URL('/', url).href,
      runScripts: 'outside-only', // none of a page's, there is none
      virtualConsole: new VirtualConsole(), // what goes wrong is reported below
    });
    this.window = page.window;
    const parser = new this.window.DOMParser();
    const parseXml = (text) => parser.parseFromString(text, 'text/xml');
    this.window.XMLHttpRequest = makeXmlHttpRequest(parseXml);
    // What jsdom throws on and browsers write: an attribute `xmlns` that was set by its mere name.
    const serializer = new this.window.XMLSerializer();
    Object.defineProperty(this.window.Element.prototype, 'outerHTML', {
      get() {
        return serializer.serializeToString(this);
      },
    });
    // What jsdom lacks; the buffers have to be those that Node's own cryptography knows.
    Object.assign(this.window, { ArrayBuffer, TextDecoder, TextEncoder, Uint8Array });
    Object.defineProperty(this.window, 'crypto', { value: webcrypto });
    this.window.fetch = async () => ({ ok: true, json: async () => ({}) }); // the emoji
    script.runInContext(page.getInternalVMContext());
  }

  // Resolves to the full JID. What Converse shows meanwhile is in `feedback`.
  login() {
    const { api, converse } = this.window;
    return new Promise((resolve, reject) => {
      const up = () => {
        this.onUp();
        resolve(api.connection.get().jid);
      };
      const down = () => {
        this.gone?.();
        this.onLost(`Converse: ${this.feedback}`);
        reject(new Error(`Converse: ${this.feedback}`));
      };
      const again = () => this.onLost(`Converse: ${this.feedback}`);
      // The text above the login form, and beside the roster later on.
      const feedback = (model) => {
        this.feedback = model.get('message') || this.feedback;
      };
      converse.plugins.add('told', {
        initialize() {
          api.listen.on('connected', up);
          api.listen.on('reconnected', up);
          api.listen.on('will-reconnect', again);
          api.listen.on('disconnected', down);
          api.listen.on('connfeedback', feedback);
        },
      });
      converse
        .initialize({
          authentication: 'login',
          auto_login: true,
          bosh_service_url: this.service,
          discover_connection_methods: false,
          i18n: 'en',
          jid: this.jid,
          keepalive: false, // each login is a new one
          loglevel: 'fatal',
          password: this.password,
          persistent_store: 'none',
          whitelisted_plugins: ['told'],
        })
        .catch(reject);
    });
  }

  logout() {
    return new Promise((resolve) => {
      this.gone = resolve;
      this.window.api.user.logout();
    }).finally(() => this.http.close());
  }

  close() {
    this.http.close();
    this.window.close();
  }
}
