'use strict';
// The page as a whole: totals, the state of boshgate, what is said aloud, and the dialog in which
// something is changed.

// --- in all -------------------------------------------------------------------------------------

const tiles = {};

function makeTile(key, title) {
  const [value, note, spark] = [make('dd', 'value'), make('dd', 'soft'), makeSpark()];
  value.dataset.total = key;
  const tile = make('div', 'tile', make('dt', '', title), value, note);
  tile.append(spark);
  $('totals').append(tile);
  tiles[key] = { value, note, spark, series: new Series() };
}

function makeTiles() {
  makeTile('sessions', 'Sessions');
  makeTile('held', 'Held polls');
  makeTile('connections', 'Connections');
  makeTile('links', 'Links to nodes');
  makeTile('exchanges', 'Exchanges a second');
  tiles.exchanges.series = new Growth();
  tiles.opened = { series: new Growth() };
}

function showTile(key, value, note) {
  const tile = tiles[key];
  if (!(tile.series instanceof Growth)) {
    tile.series.add(value);
  }
  const rated = tile.series instanceof Growth;
  const shown = rated ? (value === null ? '–' : rate(value)) : count(value);
  setText(tile.value, shown);
  setText(tile.note, note);
  drawSpark(tile.spark, tile.series.values);
}

function showTotals(status, atMs) {
  const { sessions, connections, exchanges, links } = status;
  const { opened } = tiles;
  opened.series.read(sessions.opened, atMs);
  tiles.exchanges.series.read(exchanges.begun, atMs);
  const logins = opened.series.last();
  const perSecond = logins === null ? '' : `, ${rate(logins)} opened a second`;
  showTile('sessions', sessions.open, `of ${count(sessions.limit)}${perSecond}`);
  showTile('held', exchanges.held, 'not answered yet');
  showTile('connections', connections.open, `of ${count(connections.limit)}`);
  showTile('links', links.open, `${count(links.opened)} opened so far`);
  showTile('exchanges', tiles.exchanges.series.last(), `${count(exchanges.begun)} so far`);
}

// --- boshgate itself ----------------------------------------------------------------------------

const states = { ready: 'ready', starting: 'starting', draining: 'draining', lost: 'no answer' };
let process = null; // of the last answer
let lastState = '';
let errorLists;
let nodeTable;

function say(news) {
  if (news.length > 0) {
    $('news').textContent = news.join(' ');
  }
}

// Returns what is worth saying aloud.
function showState(state, banner, aloud) {
  document.body.dataset.link = state;
  $('state').dataset.state = state;
  setText($('state'), states[state] ?? state);
  setText($('banner'), banner);
  $('banner').hidden = banner === '';
  document.title = state === 'ready' ? 'boshgate' : `${states[state] ?? state} – boshgate`;
  const changed = lastState !== '' && lastState !== state;
  lastState = state;
  return changed ? [aloud] : [];
}

function bannerOf(status) {
  if (status.state === 'draining') {
    const held = plural(status.exchanges.held, 'held poll');
    return (
      'boshgate is draining: it takes no new connections, and ends when what is under way has ' +
      `ended: ${held}.`
    );
  }
  return status.state === 'starting'
    ? 'boshgate is starting: the names of nodes are still being looked up.'
    : '';
}

function showListeners(status) {
  const texts = status.listeners.map(({ address, port, tls, proxy_protocol: proxied }) => {
    const host = address.includes(':') ? `[${address}]` : address;
    return `${host}:${port}, ${tls ? 'TLS' : 'plain'}${proxied ? ', PROXY protocol' : ''}`;
  });
  if (status.discovery) {
    const { path, primary, secondary } = status.discovery;
    const nodes = [primary, secondary].filter(Boolean).join(', then ');
    texts.push(`Discovery at ${path}: asks ${nodes}`);
  } else {
    texts.push('No discovery endpoint: users choose their node by its path');
  }
  if ($('listeners').dataset.print !== texts.join('\n')) {
    $('listeners').dataset.print = texts.join('\n');
    $('listeners').replaceChildren(...texts.map((text) => make('li', '', text)));
  }
}

// Another process has other counters: rates across the change mean nothing.
function noteProcess(status) {
  const now = `${status.pid} ${status.started_unix_ms}`;
  const changed = process !== null && process !== now;
  process = now;
  return changed ? ['boshgate was started anew.'] : [];
}

function show({ status, nodes, errors }) {
  const atMs = performance.now();
  const nowMs = status.started_unix_ms + status.uptime_ms; // its clock, not this machine's
  const news = noteProcess(status);
  const troubles = new Map(errors.nodes.map((one) => [one.node, one]));
  errorLists.show(errors, nowMs);
  setText($('version'), status.version);
  const up = `up for ${span(status.uptime_ms)}, ${plural(status.cores, 'core')}`;
  setText($('uptime'), `${up}, process ${status.pid}`);
  setText($('pulse').lastChild, `as of ${clockTime.format(new Date())}`);
  news.push(...showState(status.state, bannerOf(status), `boshgate is ${status.state}.`));
  showTotals(status, atMs);
  setText($('nodes-sum'), upOf(nodes));
  news.push(...nodeTable.show(nodes, troubles, nowMs, atMs));
  showListeners(status);
  $('lookup').hidden = !status.discovery;
  say(news);
}

function lost(since, problem) {
  const seen = since === null ? '' : ` What stands below is as of ${clockTime.format(since)}.`;
  const refused = problem instanceof Refused;
  const why = refused
    ? `boshgate refuses to tell: ${problem.message}.`
    : 'boshgate does not answer: it has ended, or the way to it is broken.';
  say(showState('lost', `${why}${seen} Asked again every second.`, why));
}

// --- changing something -------------------------------------------------------------------------

const effects = {
  drain: ({ sessions }) =>
    `It gets no new sessions. Its ${plural(sessions, 'session')} may go on and end in their time.`,
  disable: ({ sessions, held }) =>
    `It is not used at all: its ${plural(sessions, 'session')} are cut off now, and ` +
    `${plural(held, 'held poll')} with them. Their users have to log in again.`,
  enable: () => 'It is used again, as its health allows.',
};

let wanted = null; // {verb, node}; null: the dialog is about the token alone

function openDialog(about) {
  wanted = about;
  const title = about ? `${sentence(about.verb)} ${about.node.name}?` : 'Token';
  $('dialog-title').textContent = title;
  $('dialog-text').textContent = about
    ? effects[about.verb](about.node)
    : 'Who has a token of admin.token_file may drain, disable and enable nodes.';
  $('dialog-token').hidden = about !== null && token.value !== '';
  $('dialog-forget').hidden = token.value === '';
  $('dialog-problem').textContent = '';
  $('dialog-go').textContent = about ? sentence(about.verb) : 'Keep';
  $('token').value = '';
  $('dialog').showModal();
}

// What the operator wants done, or why it was not.
async function carryOut({ verb, node }) {
  try {
    await change(node.name, verb);
    return '';
  } catch (problem) {
    if (problem.code !== 'token') {
      return `${sentence(problem.message)}.`;
    }
    token.set('', false);
    $('dialog-token').hidden = false;
    $('dialog-forget').hidden = true;
    return 'This is none of the tokens of admin.token_file.';
  }
}

function startDialog(watch) {
  $('dialog-form').addEventListener('submit', async (event) => {
    event.preventDefault();
    const typed = $('token').value.trim();
    if (typed) {
      token.set(typed, $('keep').checked);
    }
    $('token').value = '';
    if (wanted) {
      $('dialog-go').disabled = true;
      const problem = token.value
        ? await carryOut(wanted)
        : 'This needs a token of admin.token_file.';
      $('dialog-go').disabled = false;
      $('dialog-problem').textContent = problem;
      if (problem) {
        $('token').focus();
        return;
      }
      watch.soon();
    }
    $('dialog').close();
  });
  $('dialog-cancel').addEventListener('click', () => $('dialog').close());
  $('dialog-forget').addEventListener('click', () => {
    token.set('', false);
    $('dialog').close();
  });
  $('token-button').addEventListener('click', () => openDialog(null));
}

makeTiles();
errorLists = new ErrorLists();
nodeTable = new NodeTable($('nodes'), (verb, node) => openDialog({ verb, node }));
const watch = new Watch(show, lost);
startDialog(watch);
startLookup();
watch.soon();
