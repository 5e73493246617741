'use strict';
// The table of nodes. Rows stay the same elements while they are updated, so that focus and
// selection survive.

const certificateSoon = 14 * 86400e3; // ms left from which on it is said in another colour

const stateWords = {
  up: 'up',
  suspect: 'suspect',
  down: 'down',
  draining: 'draining',
  disabled: 'disabled',
};

// The configuration has no clusters. Nodes whose names differ in the number at their end stand
// together, if there are several of them: node-a1 and node-a2.
function clustersOf(nodes) {
  const stem = ({ name }) => name.replace(/\d+$/, '').replace(/[-_.]+$/, '');
  const sizes = new Map();
  nodes.forEach((node) => sizes.set(stem(node), (sizes.get(stem(node)) ?? 0) + 1));
  const clusters = new Map();
  nodes.forEach((node) => {
    const title = sizes.get(stem(node)) > 1 ? stem(node) : '';
    clusters.set(title, [...(clusters.get(title) ?? []), node]);
  });
  // What stands alone comes last.
  return [...clusters].sort(([a], [b]) => (a === '') - (b === ''));
}

function makeCell(row, key, label, className = '') {
  const cell = make('td', className);
  cell.setAttribute('role', 'cell');
  cell.dataset.cell = key;
  if (label) {
    cell.dataset.label = label;
  }
  row.append(cell);
  return cell;
}

function makeRow(name) {
  const row = make('tr', 'node');
  row.setAttribute('role', 'row');
  row.dataset.node = name;
  const head = make('th', '', make('strong', '', name));
  head.scope = 'row';
  head.setAttribute('role', 'rowheader');
  const [role, where, certificate] = [make('span', 'tag'), make('small'), make('small')];
  head.append(' ', role, where, certificate);
  row.append(head);
  const state = makeCell(row, 'state', '');
  const [pill, since] = [make('span', 'pill'), make('time', 'soft')];
  state.append(pill, ' ', since);
  const sessions = makeCell(row, 'sessions', 'Sessions', 'number');
  const held = makeCell(row, 'held', 'Held polls', 'number');
  const links = makeCell(row, 'links', 'Links', 'number');
  const chart = (key, label) => {
    const [value, spark] = [make('span', 'value'), makeSpark()];
    makeCell(row, key, label, 'chart').append(value, spark);
    return { value, spark };
  };
  const answers = chart('answers', 'Answers');
  const time = chart('time', 'Answer time');
  const actions = makeCell(row, 'actions', '', 'actions');

  const why = make('tr', 'why');
  why.setAttribute('role', 'row');
  why.hidden = true;
  const note = make('div', 'note');
  const whyCell = make('td', '', note);
  whyCell.colSpan = 8;
  whyCell.setAttribute('role', 'cell');
  why.append(whyCell);
  const parts = { role, where, certificate, pill, since, sessions, held, links, answers, time };
  const series = { answers: new Growth(), time: new Mean() };
  return { row, why, note, ...parts, actions, series, verbs: '', before: null };
}

function verbsOf(node) {
  return { none: ['drain', 'disable'], drain: ['enable', 'disable'], disable: ['enable'] }[
    node.wish
  ];
}

function showActions(of, node, ask) {
  const verbs = verbsOf(node);
  if (of.verbs === verbs.join()) {
    return;
  }
  const focused = of.actions.contains(document.activeElement);
  of.verbs = verbs.join();
  const buttons = verbs.map((verb) => {
    const button = make('button', '', sentence(verb));
    button.type = 'button';
    button.setAttribute('aria-label', `${sentence(verb)} ${node.name}`);
    button.addEventListener('click', () => ask(verb, of.node));
    return button;
  });
  of.actions.replaceChildren(...buttons);
  if (focused) {
    buttons[0].focus();
  }
}

// Why it is not up, and what to do.
function showWhy(of, node, trouble) {
  const lines = [];
  if (node.words) {
    lines.push(['', `The node ${node.words}.`]);
  }
  if (node.wish !== 'none' && node.measured !== 'up') {
    lines.push(['', `Enabled again it would be ${node.measured}.`]);
  }
  if (node.wish === 'drain') {
    lines.push(['', 'It takes no new sessions; those that it has end in their time.']);
  }
  if (node.wish === 'disable') {
    lines.push(['', 'It is not used at all.']);
  }
  if (node.evidence) {
    lines.push(['Seen', node.evidence]);
  }
  if (trouble?.mend) {
    lines.push(['Mend', trouble.mend]);
  }
  const print = JSON.stringify(lines);
  if (of.whyPrint === print) {
    return;
  }
  of.whyPrint = print;
  of.why.hidden = lines.length === 0;
  of.note.replaceChildren(
    ...lines.map(([label, text]) => {
      const line = make('p', label.toLowerCase());
      line.append(...(label ? [make('b', '', label), ' '] : []), text);
      return line;
    }),
  );
}

function showCertificate(of, node, nowMs) {
  const left = node.certificate_expires_unix_ms - nowMs;
  const known = node.certificate_expires_unix_ms !== null;
  of.certificate.className = known && left < certificateSoon ? 'problem' : '';
  const end = left > 0 ? `ends in ${span(left)}` : `ended ${span(-left)} ago`;
  setText(of.certificate, known ? `certificate ${end}` : '');
}

function showNode(of, node, nowMs, atMs) {
  of.node = node;
  of.row.dataset.state = node.state;
  of.pill.dataset.state = node.state;
  setText(of.role, node.role ? `discovery, ${node.role}` : '');
  of.role.hidden = !node.role;
  setText(of.where, node.url);
  showCertificate(of, node, nowMs);
  setText(of.pill, stateWords[node.state] ?? node.state);
  setTime(of.since, node.since_unix_ms, `for ${span(nowMs - node.since_unix_ms)}`);
  setText(of.sessions, count(node.sessions));
  setText(of.held, count(node.held));
  setText(of.links, count(node.links));
  const { answers, time } = of.series;
  answers.read(node.answers, atMs);
  time.read(node.answer_time.count, node.answer_time.sum_ms);
  setText(of.answers.value, answers.last() === null ? '–' : `${rate(answers.last())}/s`);
  setText(of.time.value, time.recent === null ? '–' : shortTime(time.recent));
  drawSpark(of.answers.spark, answers.values);
  drawSpark(of.time.spark, time.values);
}

class NodeTable {
  #table;
  #ask;
  #rows = new Map();
  #titles = [];
  #names = '';

  // `ask(verb, node)`: a button was pressed.
  constructor(table, ask) {
    this.#table = table;
    this.#ask = ask;
  }

  #build(nodes) {
    const names = JSON.stringify(nodes.map(({ name }) => name));
    if (names === this.#names) {
      return;
    }
    this.#names = names;
    this.#rows = new Map(nodes.map(({ name }) => [name, makeRow(name)]));
    this.#titles = [];
    [...this.#table.tBodies].forEach((body) => body.remove());
    const clusters = clustersOf(nodes);
    for (const [title, members] of clusters) {
      const body = make('tbody');
      body.setAttribute('role', 'rowgroup');
      if (clusters.length > 1) {
        const cell = make('th', '', make('span', '', title || 'Others'), ' ', make('small'));
        cell.colSpan = 8;
        cell.scope = 'rowgroup';
        cell.setAttribute('role', 'rowheader');
        const row = make('tr', 'cluster', cell);
        row.setAttribute('role', 'row');
        body.append(row);
        this.#titles.push({ sum: cell.lastChild, members: members.map(({ name }) => name) });
      }
      members.forEach(({ name }) => {
        const { row, why } = this.#rows.get(name);
        body.append(row, why);
      });
      this.#table.append(body);
    }
  }

  // Returns what is worth saying aloud: states that have changed.
  show(nodes, troubles, nowMs, atMs) {
    this.#build(nodes);
    const news = [];
    for (const node of nodes) {
      const of = this.#rows.get(node.name);
      showNode(of, node, nowMs, atMs);
      showWhy(of, node, troubles.get(node.name));
      showActions(of, node, this.#ask);
      if (of.before && of.before !== node.state) {
        const because = node.words ? `: the node ${node.words}` : '';
        news.push(`${node.name} is ${stateWords[node.state] ?? node.state}${because}.`);
      }
      of.before = node.state;
    }
    for (const { sum, members } of this.#titles) {
      const of = nodes.filter(({ name }) => members.includes(name));
      setText(sum, `${upOf(of)}, ${plural(sumOf(of, 'sessions'), 'session')}`);
    }
    return news;
  }
}

const sumOf = (nodes, key) => nodes.reduce((sum, node) => sum + node[key], 0);
const upOf = (nodes) =>
  `${count(nodes.filter(({ state }) => state === 'up').length)} of ${count(nodes.length)} up`;
