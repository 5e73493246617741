// What the page shows, drawn from plain values. Text always enters as text nodes, never as markup,
// and colours are set through CSSOM: the page works under `Content-Security-Policy: default-src
// 'self'`.

export const byId = (id) => document.getElementById(id);

export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// Sets text only where it differs: screen readers announce every change of a live region.
export function setText(target, text) {
  if (target.textContent !== text) {
    target.textContent = text;
  }
}

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const calendar = new Intl.DateTimeFormat(undefined, {
  weekday: 'long',
  day: 'numeric',
  month: 'long',
});

const showNames = {
  '': 'Available',
  chat: 'Free to chat',
  away: 'Away',
  xa: 'Away for long',
  dnd: 'Do not disturb',
};

// presence: {show, status}, or undefined for somebody who isn't there.
export function presenceText(presence) {
  if (!presence) {
    return 'Offline';
  }
  const name = showNames[presence.show] ?? 'Available';
  return presence.status ? `${name} · ${presence.status}` : name;
}

const presenceClass = (presence) => {
  if (!presence) {
    return 'offline';
  }
  return { away: 'away', xa: 'away', dnd: 'dnd' }[presence.show] ?? 'available';
};

// Initials on a colour that is the same for this address in every window.
export function paintAvatar(target, jid, name, presence) {
  const words = name.split(/[\s._-]+/).filter(Boolean);
  const initials = words.slice(0, 2).map((word) => [...word][0].toUpperCase());
  setText(target, initials.join('') || '?');
  let hash = 7;
  for (const character of jid) {
    hash = (hash * 31 + character.codePointAt(0)) % 360;
  }
  target.style.setProperty('--hue', String(hash));
  target.className = presence === null ? 'avatar' : `avatar ${presenceClass(presence)}`;
}

// ---- people ----

const rows = new Map(); // bare jid -> the row's parts, kept so that focus survives a redraw

function personRow(jid, onChoose) {
  const avatar = element('span', { ariaHidden: 'true' });
  const name = element('strong');
  const detail = element('span', { className: 'detail' });
  const unread = element('span', { className: 'unread' });
  const button = element('button', { type: 'button', className: 'person' });
  button.append(avatar, element('span', { className: 'who' }, name, detail), unread);
  button.dataset.jid = jid;
  button.addEventListener('click', () => onChoose(jid));
  return { item: element('li', {}, button), button, avatar, name, detail, unread };
}

// people: [{jid, name, presence, detail, unread}] in the order to show.
export function drawPeople(list, people, chosen, onChoose) {
  for (const person of people) {
    if (!rows.has(person.jid)) {
      rows.set(person.jid, personRow(person.jid, onChoose));
    }
    const row = rows.get(person.jid);
    paintAvatar(row.avatar, person.jid, person.name, person.presence);
    setText(row.name, person.name);
    setText(row.detail, person.detail);
    setText(row.unread, person.unread ? String(person.unread) : '');
    row.unread.hidden = !person.unread;
    row.button.ariaCurrent = person.jid === chosen ? 'true' : null;
    const said = [person.name, presenceText(person.presence)];
    if (person.unread) {
      said.push(`${person.unread} unread`);
    }
    row.button.ariaLabel = said.join(', ');
  }
  const items = people.map((person) => rows.get(person.jid).item);
  if (items.length !== list.children.length || items.some((item, i) => list.children[i] !== item)) {
    const focused = document.activeElement;
    list.replaceChildren(...items);
    if (list.contains(focused)) {
      focused.focus();
    }
  }
}

export function forgetPeople() {
  rows.clear();
}

// ---- messages ----

const marks = { sent: '✓', delivered: '✓✓', failed: 'not delivered' };
const markNames = { sent: 'sent', delivered: 'delivered', failed: 'not delivered' };
const groupGap = 3 * 60 * 1000; // messages of one side within 3 minutes stand close together

function messageItem(message, before) {
  const bubble = element('div', { className: 'bubble' });
  const from = element('span', { className: 'visually-hidden' });
  from.textContent = message.mine ? 'You: ' : 'They: ';
  const foot = element('span', { className: 'foot' });
  const moment = new Date(message.time);
  foot.append(element('time', { dateTime: moment.toISOString() }, clock.format(moment)));
  if (message.mine) {
    foot.append(element('span', { className: 'mark' }));
  }
  bubble.append(from, element('span', { className: 'text' }, message.text), foot);
  const item = element('li', { className: message.mine ? 'mine' : 'theirs' }, bubble);
  item.dataset.id = message.id ?? '';
  const close = before && before.mine === message.mine && message.time - before.time < groupGap;
  item.classList.toggle('close', Boolean(close));
  drawMark(item, message.state);
  return item;
}

function drawMark(item, state) {
  const mark = item.querySelector('.mark');
  if (mark) {
    setText(mark, marks[state] ?? '');
    mark.title = markNames[state] ?? '';
    item.classList.toggle('failed', state === 'failed');
  }
}

const day = (message) => new Date(message.time).toDateString();

export function appendMessage(log, message, before) {
  if (!before || day(before) !== day(message)) {
    log.append(element('li', { className: 'day' }, calendar.format(new Date(message.time))));
  }
  log.append(messageItem(message, before));
  log.scrollTop = log.scrollHeight;
}

// A whole conversation at once isn't news: the log goes quiet while it is drawn.
export function drawMessages(log, messages) {
  log.ariaLive = 'off';
  log.replaceChildren();
  messages.forEach((message, i) => appendMessage(log, message, messages[i - 1]));
  setTimeout(() => {
    log.ariaLive = 'polite';
  });
}

export function markMessage(log, id, state) {
  const item = [...log.children].find((child) => child.dataset.id === id);
  if (item) {
    drawMark(item, state);
  }
}

// ---- the connection panel ----

// pairs: [[name, value]]; pairs without a value are left out. Rows are kept, only their text
// changes.
export function drawFacts(list, pairs) {
  const shown = pairs.filter(([, value]) => value !== undefined && value !== '');
  const names = shown.map(([name]) => name).join('\n');
  if (list.dataset.names !== names) {
    list.dataset.names = names;
    list.replaceChildren(
      ...shown.map(([name]) => element('div', {}, element('dt', {}, name), element('dd'))),
    );
  }
  shown.forEach(([, value], i) => setText(list.children[i].lastChild, String(value)));
}

// ---- requests to see our presence ----

export function drawAsks(box, jids, onAnswer) {
  box.replaceChildren(
    ...jids.map((jid) => {
      const yes = element('button', { type: 'button', className: 'primary' }, 'Accept');
      const no = element('button', { type: 'button', className: 'secondary' }, 'Decline');
      yes.addEventListener('click', () => onAnswer(jid, true));
      no.addEventListener('click', () => onAnswer(jid, false));
      const text = element('p', {}, element('strong', {}, jid), ' wants to add you.');
      return element('div', { className: 'ask', role: 'alert' }, text, yes, no);
    }),
  );
}
