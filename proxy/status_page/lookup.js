'use strict';
// Where would a user go, and why.

const stepReasons = {
  stored_home: 'home, as known',
  stored_backup: 'backup, as known',
  first: 'primary discovery node',
  second: 'secondary discovery node',
  again: 'discovery node, once more',
  any: 'any node',
  home: 'named as home',
  backup: 'named as backup',
  see_other: 'the node before sent the user there',
};

const stepEnds = {
  under_way: 'not answered yet',
  named_itself: 'is the user’s node',
  named_nobody: 'names no node',
  named_unknown: 'names a node that is not configured here',
  dead: 'no link',
  timeout: 'no answer in time',
  bad_answer: 'no BOSH answer',
  refused: 'refuses sessions at present',
  declined: 'declines this user',
  unacceptable: 'does not accept the request',
  see_other: 'sends the user elsewhere',
  known_dead: 'known to be down, not asked',
  left: 'not waited for',
};

const failures = {
  nobody: 'there is no node to ask',
  homes_down: 'the user’s nodes are known, and none of them is up',
  refused: 'the node asked last refuses this user',
  bad_answer: 'no node gave an answer that is BOSH',
  steered_away: 'a node sent the user to one that is not configured here',
  out_of_time: 'the time for a login was over before a node was found',
  out_of_steps: 'too many nodes had to be asked',
};

function outcomeOf(step) {
  const named = [step.home, step.backup].filter(Boolean).join(' and ');
  if (step.outcome === 'named_others') {
    return `names ${named}`;
  }
  const words = stepEnds[step.outcome] ?? step.outcome;
  return step.reason ? `${words} (${step.reason})` : words;
}

function stepsTable(steps) {
  const head = make('tr');
  ['After', 'Node', 'Why', 'What came'].forEach((title) => {
    const cell = make('th', '', title);
    cell.scope = 'col';
    head.append(cell);
  });
  const body = make('tbody');
  steps.forEach((step) => {
    const node = make('th', '', step.node);
    node.scope = 'row';
    const times = `${step.began_ms} + ${step.took_ms} ms`;
    const [why, came] = [stepReasons[step.why] ?? step.why, outcomeOf(step)];
    const cells = [make('td', '', why), make('td', '', came)];
    body.append(make('tr', '', make('td', 'number', times), node, ...cells));
  });
  const table = make('table', 'steps', make('thead', '', head), body);
  table.setAttribute('aria-label', 'Steps of the login');
  return table;
}

function homesText(homes) {
  if (!homes?.home && !homes?.backup) {
    return 'no nodes of their own';
  }
  return `home ${homes.home ?? 'unknown'}, backup ${homes.backup ?? 'none'}`;
}

function answerParts(found) {
  const parts = [];
  const next = make('p', 'verdict');
  if (found.asked) {
    const { home, backup, failure, steps } = found.asked;
    next.append('The nodes say that ', make('b', '', found.jid), ' has ');
    next.append(make('b', '', homesText({ home, backup })), '.');
    parts.push(next);
    if (failure) {
      parts.push(make('p', '', `${sentence(failures[failure] ?? failure)}.`));
    }
    parts.push(stepsTable(steps));
    return parts;
  }
  next.append(make('b', '', found.jid));
  next.append(...(found.next ? [' goes to ', make('b', '', found.next)] : [' goes nowhere']), '.');
  parts.push(next, make('p', '', `${sentence(found.words)}.`));
  const known = found.cached ? `Known: ${homesText(found.cached)}.` : 'Nothing is known yet.';
  parts.push(make('p', 'soft', known));
  return parts;
}

function startLookup() {
  const [form, jid, ask, found] = [$('lookup'), $('jid'), $('ask'), $('found')];
  let asked = 0;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    asked += 1;
    const mine = asked;
    const query = new URLSearchParams({ jid: jid.value.trim() });
    if (ask.checked) {
      query.set('ask', 'true');
    }
    found.hidden = false;
    found.replaceChildren(make('p', 'soft', 'Looking…'));
    let parts;
    try {
      parts = answerParts(await call(`/api/v1/lookup?${query}`, { limit: 30000 }));
    } catch (problem) {
      const what = problem.code === 'jid' ? 'a user is name@domain' : problem.message;
      parts = [make('p', 'problem', `${sentence(what)}.`)];
    }
    if (mine === asked) {
      found.replaceChildren(...parts);
      found.focus();
    }
  });
}
