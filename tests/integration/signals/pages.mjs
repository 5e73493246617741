// Bundles the pages: one for each library, each with login() and say() and a list of what the
// library told its user.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
export const clients = ['strophe', 'converse', 'stanza', 'caxl'];

// The list is there before the library: what it says first counts too.
const html = `<!doctype html><meta charset="utf-8"><title>signals</title>
<link rel="icon" href="data:,">
<script>
  window.notes = [];
  window.note = (what) => window.notes.push({ at: Date.now(), what });
</script>
<script type="module" src="/page.js"></script>`;

const headless = 'node_modules/converse.js/src/headless/dist';
const buffer = 'const Buffer = { from: (text) => ({ toString: () => btoa(text) }) };';
const inBrowser = {
  name: 'in-browser',
  setup(build) {
    build.onResolve({ filter: /^node:timers\/promises$|\/packages\.mjs$/ }, () => ({
      path: join(here, 'pages/in_browser.js'),
    }));
  },
};

// path -> {type, body} for a client's page. `packages`: where node_modules is.
export async function filesOf(client, packages) {
  const require = createRequire(`${packages}/`);
  const { outputFiles } = await require('esbuild').build({
    entryPoints: [join(here, `pages/${client}.js`)],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    write: false,
    logLevel: 'error',
    nodePaths: [join(packages, 'node_modules')],
    define: { global: 'globalThis' },
    external: ['fs', 'path'], // asked for by a library of Converse's where it runs in Node.js
    alias: { '@converse/headless': join(packages, headless, 'converse-headless.js') },
    ...(client === 'caxl' && { plugins: [inBrowser], banner: { js: buffer } }),
  });
  const emoji = join(packages, headless, 'emoji.json');
  return {
    '/': { type: 'text/html', body: html },
    '/page.js': { type: 'text/javascript', body: outputFiles[0].text },
    '/emoji.json': { type: 'application/json', body: readFileSync(emoji) },
  };
}
