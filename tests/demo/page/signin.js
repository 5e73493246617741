// Signing in: which nodes and accounts there are, and the form. config.json beside the page,
// written by whoever starts the proxy, says it:
//   { "domain": "example.com", "default": "/node-a1", "wait": 60,
//     "nodes": [{ "path": "/node-a1", "label": "node-a1", "note": "Prosody" }],
//     "accounts": [{ "jid": "alice@example.com", "password": "secret", "name": "Alice" }] }
// Only `nodes` is needed. A link with `#alice` chooses that demo account.

import * as view from './view.js';

const { byId, setText } = view;
const { Strophe } = globalThis;

const title = document.title;

export const config = { nodes: [{ path: '/node-a1', label: 'node-a1' }], accounts: [] };

// Reads config.json and fills the form; calls onSignIn({path, jid, password}) when the user sends
// it.
export async function prepareSignIn(onSignIn) {
  try {
    const answer = await fetch('config.json', { cache: 'no-cache' });
    Object.assign(config, answer.ok ? await answer.json() : {});
  } catch {
    // Without the file the form still works for whoever knows an account.
  }
  const options = config.nodes.map(({ path, label = path, note }) => {
    return new Option(note ? `${label} (${note})` : label, path);
  });
  byId('node').replaceChildren(...options);
  byId('node').value = config.default ?? config.nodes[0].path;
  byId('node').addEventListener('change', checkNode);
  drawAccounts();
  byId('signin-form').addEventListener('submit', (event) => {
    event.preventDefault();
    send(onSignIn);
  });
}

// Shows the form; `note` says why, or is empty.
export function showSignIn(note) {
  byId('chat').hidden = true;
  byId('signin').hidden = false;
  byId('signin-error').hidden = !note;
  byId('signin-error').textContent = note;
  busy(false);
  document.title = title;
  checkNode();
}

// What a user typed as somebody's address: the domain may be left out. Empty when it can't be one.
export function addressOf(typed) {
  const jid = typed.trim();
  const full = jid && !jid.includes('@') && config.domain ? `${jid}@${config.domain}` : jid;
  return /^[^@\s]+@[^@\s]+$/.test(full) ? full : '';
}

export const localPart = (jid) => Strophe.unescapeNode(Strophe.getNodeFromJid(jid) ?? jid);

function drawAccounts() {
  byId('accounts').hidden = config.accounts.length === 0;
  const buttons = config.accounts.map((account) => {
    const name = account.name ?? localPart(account.jid);
    const avatar = view.element('span', { ariaHidden: 'true' });
    view.paintAvatar(avatar, account.jid, name, null);
    const button = view.element('button', { type: 'button', className: 'chip' }, avatar, name);
    button.addEventListener('click', () => {
      fillIn(account);
      byId('signin-button').focus();
    });
    return button;
  });
  byId('account-list').replaceChildren(...buttons);
  const wanted = decodeURIComponent(location.hash.slice(1));
  const account = config.accounts.find(({ jid }) => [jid, localPart(jid)].includes(wanted));
  if (account) {
    fillIn(account);
  }
}

function fillIn(account) {
  byId('jid').value = account.jid;
  byId('password').value = account.password ?? '';
}

function busy(isBusy) {
  byId('signin-button').disabled = isBusy;
  setText(byId('signin-button'), isBusy ? 'Signing in…' : 'Sign in');
}

// A GET of a node's path gives the node's own page: the quickest way to see that the way there is
// open.
async function checkNode() {
  const path = byId('node').value;
  const hint = byId('node-check');
  setText(byId('way-path'), path);
  setText(byId('way-node'), config.nodes.find((node) => node.path === path)?.label ?? path);
  const begin = performance.now();
  let verdict;
  try {
    const answer = await fetch(path, { cache: 'no-store' });
    const took = Math.round(performance.now() - begin);
    verdict = answer.ok
      ? ['good', `Answers in ${took} ms`]
      : ['bad', `Answers HTTP ${answer.status}`];
  } catch {
    verdict = ['bad', 'No answer from the proxy'];
  }
  if (path === byId('node').value) {
    [hint.dataset.verdict] = verdict;
    setText(hint, verdict[1]);
  }
}

function send(onSignIn) {
  const jid = addressOf(byId('jid').value);
  if (!jid) {
    showSignIn('Give an address such as alice@example.com.');
    byId('jid').focus();
    return;
  }
  busy(true);
  byId('signin-error').hidden = true;
  onSignIn({ path: byId('node').value, jid, password: byId('password').value });
}
