// Ties the page together: signing in, choosing whom to talk to, and passing the session's news to the view.
// config.json beside the page, written by whoever starts the proxy, says which nodes and demo accounts there are:
//   { "domain": "example.com", "default": "/node-a1", "wait": 60,
//     "nodes": [{ "path": "/node-a1", "label": "node-a1", "note": "Prosody" }],
//     "accounts": [{ "jid": "alice@example.com", "password": "secret", "name": "Alice" }] }
// Only `nodes` is needed. A link with `#alice` chooses that demo account.

import { ChatSession } from './xmpp.js';
import { Conversations } from './conversations.js';
import * as view from './view.js';

const { byId, setText } = view;
const { Strophe } = globalThis;

const title = document.title;
const pausedAfter = 4000; // ms without a key until "is typing" ends
const roomForLink = matchMedia('(min-width: 1100px)'); // the connection panel is a third column, as in style.css
const remembered = 'boshgate-demo'; // sessionStorage: {path, jid} of this tab's session

let config = { nodes: [] };
let session = null;
let talks = null;
let chosen = null; // bare jid of the open conversation
let asks = [];
let retryAt = 0;
let typingTimer = 0;

const bare = (jid) => Strophe.getBareJidFromJid(jid);
const localPart = (jid) => Strophe.unescapeNode(Strophe.getNodeFromJid(jid) ?? jid);

// ---- signing in ----

async function start() {
  try {
    const answer = await fetch('config.json', { cache: 'no-cache' });
    config = answer.ok ? await answer.json() : config;
  } catch {
    // Without the file the form still works for whoever knows an account.
  }
  if (!config.nodes?.length) {
    config.nodes = [{ path: '/node-a1', label: 'node-a1' }];
  }
  const options = config.nodes.map((node) => {
    const label = node.note ? `${node.label} (${node.note})` : node.label;
    return new Option(label ?? node.path, node.path);
  });
  byId('node').replaceChildren(...options);
  byId('node').value = config.default ?? config.nodes[0].path;
  drawAccounts();
  if (!(await goOn())) {
    showSignIn('');
  }
}

function drawAccounts() {
  const accounts = config.accounts ?? [];
  byId('accounts').hidden = accounts.length === 0;
  const buttons = accounts.map((account) => {
    const name = account.name ?? localPart(account.jid);
    const avatar = view.element('span', { ariaHidden: 'true' });
    view.paintAvatar(avatar, account.jid, name, null);
    const button = view.element('button', { type: 'button', className: 'chip' }, avatar, name);
    button.addEventListener('click', () => fillIn(account, true));
    return button;
  });
  byId('account-list').replaceChildren(...buttons);
  const wanted = decodeURIComponent(location.hash.slice(1));
  const account = accounts.find(({ jid }) => wanted && (jid === wanted || localPart(jid) === wanted));
  if (account) {
    fillIn(account, false);
  }
}

function fillIn(account, focus) {
  byId('jid').value = account.jid;
  byId('password').value = account.password ?? '';
  if (account.path) {
    byId('node').value = account.path;
    checkNode();
  }
  if (focus) {
    byId('signin-button').focus();
  }
}

function showSignIn(note) {
  byId('chat').hidden = true;
  byId('signin').hidden = false;
  byId('signin-error').hidden = !note;
  byId('signin-error').textContent = note;
  busy(false);
  document.title = title;
  checkNode();
}

function busy(isBusy) {
  byId('signin-button').disabled = isBusy;
  setText(byId('signin-button'), isBusy ? 'Signing in…' : 'Sign in');
}

// A GET of a node's path gives the node's own page: the quickest way to see that the way there is open.
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
    verdict = answer.ok ? ['good', `Answers in ${took} ms`] : ['bad', `Answers HTTP ${answer.status}`];
  } catch {
    verdict = ['bad', 'No answer from the proxy'];
  }
  if (path === byId('node').value) {
    [hint.dataset.verdict] = verdict;
    setText(hint, verdict[1]);
  }
}

function signIn(event) {
  event.preventDefault();
  let jid = byId('jid').value.trim();
  if (jid && !jid.includes('@') && config.domain) {
    jid = `${jid}@${config.domain}`;
  }
  if (!/^[^@\s]+@[^@\s]+$/.test(jid)) {
    showSignIn('Give an address such as alice@example.com.');
    byId('jid').focus();
    return;
  }
  busy(true);
  byId('signin-error').hidden = true;
  open(byId('node').value, jid, byId('password').value);
  session.signIn();
}

// After a reload the BOSH session is still there: go on with it. A lock keeps a duplicated tab, which inherits
// sessionStorage, from going on with the same session.
async function goOn() {
  const stored = JSON.parse(sessionStorage.getItem(remembered) ?? 'null');
  if (!stored || !(await ownSession(stored.tab))) {
    sessionStorage.removeItem(remembered);
    return false;
  }
  open(stored.path, stored.jid, '');
  try {
    session.resume();
    return true;
  } catch {
    session = null;
    return false;
  }
}

function ownSession(tab) {
  if (!navigator.locks || !tab) {
    return Promise.resolve(false);
  }
  return new Promise((resolve) => {
    navigator.locks.request(`boshgate-demo:${tab}`, { ifAvailable: true }, (lock) => {
      resolve(Boolean(lock));
      return lock ? new Promise(() => {}) : undefined; // held as long as the page lives
    });
  });
}

function remember() {
  const known = JSON.parse(sessionStorage.getItem(remembered) ?? 'null');
  const tab = known?.tab ?? `${session.jid} ${Math.random()}`;
  if (!known) {
    ownSession(tab);
  }
  const { path, jid } = session;
  sessionStorage.setItem(remembered, JSON.stringify({ path, jid: bare(jid), tab }));
}

// ---- the session's news ----

function open(path, jid, password) {
  talks = new Conversations(bare(jid));
  view.forgetPeople();
  asks = [];
  chosen = null;
  const listener = {
    state: stateChanged,
    contacts: drawPeople,
    message: takeMessage,
    mark(from, id, state) {
      if (talks.mark(from, id, state) && from === chosen) {
        view.markMessage(byId('messages'), id, state);
      }
    },
    typing(from, isTyping) {
      talks.with(from).typing = isTyping;
      drawPeople();
    },
    asks(from) {
      asks = [...new Set([...asks, from])];
      drawAsks();
    },
    facts: drawFacts,
  };
  session = new ChatSession({ path, jid, password, wait: config.wait, listener });
}

function stateChanged({ phase, note, retryAt: at }) {
  retryAt = at;
  if (phase === 'ended') {
    leave(note);
    return;
  }
  if (phase === 'online' && byId('chat').hidden) {
    enter();
  }
  const names = { connecting: 'Connecting', online: 'Served by', troubled: 'In trouble', waiting: 'Disconnected' };
  byId('link-dot').className = `dot ${phase}`;
  setText(byId('link-phase'), names[phase]);
  byId('banner').hidden = phase === 'online';
  byId('banner').dataset.note = note || 'Connecting…';
  byId('banner-now').hidden = phase !== 'waiting';
  drawBanner();
  drawFacts();
}

function drawBanner() {
  const seconds = Math.max(0, Math.ceil((retryAt - Date.now()) / 1000));
  const { note } = byId('banner').dataset;
  setText(byId('banner-text'), retryAt ? `${note} Trying again in ${seconds} s.` : note);
}

function enter() {
  remember();
  byId('signin').hidden = true;
  byId('chat').hidden = false;
  byId('chat').dataset.view = 'people';
  byId('password').value = '';
  const name = config.accounts?.find(({ jid }) => jid === bare(session.jid))?.name;
  setText(byId('me-name'), name ?? localPart(session.jid));
  view.paintAvatar(byId('me-avatar'), bare(session.jid), byId('me-name').textContent, null);
  setText(byId('link-path'), session.path);
  byId('me-show').value = '';
  showLink(roomForLink.matches, false);
  choose(null);
  drawAsks();
}

function leave(note) {
  const wasIn = !byId('chat').hidden;
  sessionStorage.removeItem(remembered);
  if (wasIn && !note) {
    talks.forget();
  }
  session = null;
  showSignIn(note);
  byId(wasIn ? 'jid' : 'password').focus();
}

function takeMessage(message) {
  const seen = message.with === chosen && document.visibilityState === 'visible';
  const before = talks.last(message.with);
  talks.add(message, seen);
  if (message.with === chosen) {
    view.appendMessage(byId('messages'), message, before);
  }
  drawPeople();
}

// ---- drawing ----

// Everybody in the roster, everybody with whom there is a conversation, and the other demo accounts.
function people() {
  const names = new Map((config.accounts ?? []).map(({ jid, name }) => [jid, name ?? localPart(jid)]));
  session.contacts.forEach(({ jid, name }) => names.set(jid, name));
  talks.all.forEach((_, jid) => names.set(jid, names.get(jid) ?? localPart(jid)));
  names.delete(bare(session.jid));
  const all = [...names].map(([jid, name]) => {
    const presence = session.presenceOf(jid);
    const talk = talks.all.get(jid);
    const last = talk?.messages.at(-1);
    let detail = last ? `${last.mine ? 'You: ' : ''}${last.text}` : presenceText(jid, presence);
    detail = talk?.typing ? 'is typing…' : detail;
    return { jid, name, presence, detail, unread: talk?.unread ?? 0 };
  });
  return all.sort((a, b) => Number(!a.presence) - Number(!b.presence) || a.name.localeCompare(b.name));
}

function presenceText(jid, presence) {
  const contact = session.contacts.get(jid);
  if (contact?.asking && !presence) {
    return 'Asked, not answered yet';
  }
  return contact || presence ? view.presenceText(presence) : jid;
}

function drawPeople() {
  if (!session || byId('chat').hidden) {
    return;
  }
  const all = people();
  view.drawPeople(byId('contacts'), all, chosen, choose);
  byId('nobody').hidden = all.length > 0;
  const unread = talks.unread();
  document.title = `${unread ? `(${unread}) ` : ''}${byId('me-name').textContent} · ${title}`;
  const peer = all.find(({ jid }) => jid === chosen);
  if (peer) {
    setText(byId('peer-name'), peer.name);
    setText(byId('peer-presence'), presenceText(peer.jid, peer.presence));
    view.paintAvatar(byId('peer-avatar'), peer.jid, peer.name, peer.presence);
    setText(byId('typing'), talks.with(chosen).typing ? `${peer.name} is typing…` : '');
  }
}

function drawAsks() {
  view.drawAsks(byId('asks'), asks, (jid, yes) => {
    asks = asks.filter((other) => other !== jid);
    session[yes ? 'accept' : 'decline'](jid);
    drawAsks();
  });
}

function drawFacts() {
  if (!session) {
    return;
  }
  const { facts } = session;
  const [home, backup] = facts.hostnames;
  const trip = facts.roundTrip === undefined ? '' : `${facts.roundTrip.toFixed(1)} ms`;
  const open = Math.max(0, facts.sent - facts.answered - facts.failed);
  setText(byId('link-trip'), trip);
  view.drawFacts(byId('facts'), [
    ['State', byId('link-phase').textContent === 'Served by' ? 'Online' : byId('link-phase').textContent],
    ['Node path', session.path],
    ['Node software', facts.software],
    ['Home node', home],
    ['Backup node', backup],
    ['Signed in as', session.jid],
    ['Since', facts.since && new Date(facts.since).toLocaleTimeString()],
    ['Round trip', trip],
    ['Longest wait', facts.wait && `${facts.wait} s`],
    ['Held requests', facts.hold && `${open} open, ${facts.hold} may be held`],
    ['Requests', `${facts.sent} sent, ${facts.answered} answered`],
    ['Failed', facts.failed || ''],
    ['Reconnects', facts.reconnects],
  ]);
}

// ---- what the user does ----

function choose(jid) {
  stopTyping();
  chosen = jid;
  byId('empty').hidden = Boolean(jid);
  byId('conversation').hidden = !jid;
  if (jid) {
    talks.read(jid);
    byId('chat').dataset.view = 'talk';
    view.drawMessages(byId('messages'), talks.with(jid).messages);
    byId('say').focus();
  }
  drawPeople();
}

function say(event) {
  event.preventDefault();
  const text = byId('say').value.trim();
  if (!text || !session || session.phase !== 'online') {
    return;
  }
  clearTimeout(typingTimer);
  typingTimer = 0;
  session.send(chosen, text);
  byId('say').value = '';
  fit();
}

function typed() {
  fit();
  if (!chosen || !byId('say').value) {
    stopTyping();
    return;
  }
  if (!typingTimer) {
    session.sendChatState(chosen, 'composing');
  }
  clearTimeout(typingTimer);
  typingTimer = setTimeout(stopTyping, pausedAfter);
}

function stopTyping() {
  if (typingTimer && session) {
    session.sendChatState(chosen, 'paused');
  }
  clearTimeout(typingTimer);
  typingTimer = 0;
}

// The field grows with its text up to the height that the style sheet allows.
function fit() {
  const field = byId('say');
  field.style.height = 'auto';
  field.style.height = `${field.scrollHeight + 2}px`;
}

function showLink(visible, focus = true) {
  byId('chat').dataset.link = visible ? 'open' : '';
  byId('link-open').ariaExpanded = String(visible);
  if (focus) {
    byId(visible ? 'link-close' : 'link-open').focus();
  }
}

function listen(id, type, action) {
  byId(id).addEventListener(type, action);
}

listen('signin-form', 'submit', signIn);
listen('node', 'change', checkNode);
listen('signout', 'click', () => session.signOut());
listen('me-show', 'change', () => {
  session.sendAvailability({ show: byId('me-show').value, status: '' });
});
listen('add-form', 'submit', (event) => {
  event.preventDefault();
  let jid = byId('add-jid').value.trim().toLowerCase();
  jid = jid && !jid.includes('@') && config.domain ? `${jid}@${config.domain}` : jid;
  if (/^[^@\s]+@[^@\s]+$/.test(jid)) {
    session.add(jid);
    byId('add-jid').value = '';
  }
});
listen('say-form', 'submit', say);
listen('say', 'input', typed);
listen('say', 'keydown', (event) => {
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
    say(event);
  }
});
listen('back', 'click', () => {
  const jid = chosen;
  choose(null);
  byId('chat').dataset.view = 'people';
  byId('contacts').querySelector(`[data-jid="${CSS.escape(jid)}"]`)?.focus();
});
listen('banner-now', 'click', () => session.reconnectNow());
listen('link-open', 'click', () => showLink(byId('chat').dataset.link !== 'open'));
listen('link-close', 'click', () => showLink(false));
roomForLink.addEventListener('change', () => showLink(roomForLink.matches, false));
listen('measure', 'click', () => session.measure());
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && byId('chat').dataset.link === 'open') {
    showLink(false);
  }
});
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible' && chosen && session) {
    talks.read(chosen);
    drawPeople();
  }
});
setInterval(() => {
  if (retryAt) {
    drawBanner();
  }
}, 1000);

start();
