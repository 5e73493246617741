'use strict';
// What went wrong lately: by reason, with the mend, and the last lines of the log.

const places = { client: 'client', here: 'boshgate', node: 'node' };
const logShown = 30;

function reasonItem(one, nowMs, latelyMs) {
  const item = make('li');
  item.dataset.reason = one.reason;
  const head = make('p', 'what');
  const when = make('time', 'soft');
  setTime(when, one.last_unix_ms, `last ${span(nowMs - one.last_unix_ms)} ago`);
  const lately = one.lately > 0 ? `${count(one.lately)} in ${span(latelyMs)}, ` : '';
  const counts = make('span', 'soft', `${lately}${count(one.count)} since the start, `);
  const name = make('code', '', one.reason);
  head.append(
    make('span', 'tag', places[one.where] ?? one.where),
    ' ',
    make('b', '', sentence(one.words)),
    ' ',
    name,
  );
  item.append(head, make('p', 'counts', counts, when), make('p', 'mend', one.mend));
  item.querySelector('.mend').prepend(make('b', '', 'Mend'), ' ');
  return item;
}

function logItem(one) {
  const when = make('time');
  setTime(when, one.unix_ms, clockTime.format(new Date(one.unix_ms)));
  const item = make('li', one.level, when, ' ', make('b', '', one.level), ' ', one.text);
  item.dataset.number = one.number;
  if (one.mend) {
    item.append(make('p', 'mend', make('b', '', 'Mend'), ' ', one.mend));
  }
  return item;
}

class ErrorLists {
  #print = '';

  show(errors, nowMs) {
    const selection = document.getSelection();
    if (!selection.isCollapsed && $('errors').contains(selection.anchorNode)) {
      return; // somebody copies from it
    }
    const byTime = errors.reasons.toSorted((a, b) => b.last_unix_ms - a.last_unix_ms);
    const recent = byTime.filter(({ lately }) => lately > 0);
    const earlier = byTime.filter(({ lately }) => lately === 0);
    const draw = (one) => reasonItem(one, nowMs, errors.lately_ms);
    const sum = recent.reduce((total, { lately }) => total + lately, 0);
    const since = `in the last ${span(errors.lately_ms)}`;
    setText($('errors-sum'), sum === 0 ? `nothing ${since}` : `${plural(sum, 'time')} ${since}`);
    $('reasons').replaceChildren(...recent.map(draw));
    $('earlier').hidden = earlier.length === 0;
    $('reasons-earlier').replaceChildren(...earlier.map(draw));
    const print = JSON.stringify(errors.log.map(({ number }) => number));
    if (print !== this.#print) {
      this.#print = print;
      const lines = errors.log.slice(0, logShown).map(logItem);
      $('log').replaceChildren(...(lines.length ? lines : [make('li', 'soft', 'None yet.')]));
    }
  }
}
