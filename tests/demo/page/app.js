// Ties the page together: chooses whom to talk to, and passes the session's news to the view.

import { ChatSession } from './xmpp.js';
import { Conversations } from './conversations.js';
import { addressOf, config, localPart, prepareSignIn, showSignIn } from './signin.js';
import * as view from './view.js';

const { byId, setText } = view;
const { Strophe } = globalThis;

const title = document.title;
const pausedAfter = 4000; // ms without a key until "is typing" ends
// Where the connection panel is a third column, as in chat.css.
const roomForLink = matchMedia('(min-width: 1100px)');
const remembered = 'boshgate-demo'; // sessionStorage: {path, jid, tab} of this tab's session

let session = null;
let talks = null;
let chosen = null; // bare jid of the open conversation
let asks = [];
let retryAt = 0;
let typingTimer = 0;

const bare = (jid) => Strophe.getBareJidFromJid(jid);

// ---- one session for each tab ----

async function start() {
  await prepareSignIn(({ path, jid, password }) => {
    open(path, jid, password);
    session.signIn();
  });
  if (!(await goOn())) {
    showSignIn('');
  }
}

// After a reload the BOSH session is still there: go on with it. A lock keeps a duplicated tab,
// which inherits sessionStorage, from going on with the same session.
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
  const names = {
    connecting: 'Connecting',
    online: 'Served by',
    troubled: 'In trouble',
    waiting: 'Disconnected',
  };
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
  const name = config.accounts.find(({ jid }) => jid === bare(session.jid))?.name;
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

// Everybody in the roster, everybody with whom there is a conversation, and the other demo
// accounts.
function people() {
  const names = new Map(config.accounts.map(({ jid, name }) => [jid, name ?? localPart(jid)]));
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
  return all.sort(
    (a, b) => Number(!a.presence) - Number(!b.presence) || a.name.localeCompare(b.name),
  );
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
    [
      'State',
      byId('link-phase').textContent === 'Served by' ? 'Online' : byId('link-phase').textContent,
    ],
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

listen('signout', 'click', () => session.signOut());
listen('me-show', 'change', () => {
  session.sendAvailability({ show: byId('me-show').value, status: '' });
});
listen('add-form', 'submit', (event) => {
  event.preventDefault();
  const jid = addressOf(byId('add-jid').value.toLowerCase());
  if (jid) {
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
  byId('contacts')
    .querySelector(`[data-jid="${CSS.escape(jid)}"]`)
    ?.focus();
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
