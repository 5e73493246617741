// Puts into words what a client did after a signal, and makes tables of it.

const atOnce = 400; // ms; less is what the browser and a busy machine need
const loops = 40; // more requests than this in the time of watching are a loop

function time(ms) {
  if (ms < atOnce) {
    return 'at once';
  }
  const whole = Math.floor(ms / 1000);
  return ms < 1500
    ? `after ${(Math.round(ms / 500) / 2).toFixed(1)} s`
    : `after ${whole}-${whole + 1} s`;
}
const times = (list) => list.map(({ at }) => time(at)).join(', ');

// The requests that followed. `signalled`: the one that got the signal; `newer`: the rid of the one
// that was open beside it; `made`: by the script, from the start; `arrived`: later than the signal.
// A request that arrived though the script made none was repeated by the browser itself.
function requestsIn({ signalled, newer, made, arrived }) {
  if (arrived.length > loops) {
    return `**loops**: ${arrived.length} requests`;
  }
  const words = [];
  const same = ({ rid, sid }) => rid === signalled.rid && sid === signalled.sid;
  const again = arrived.filter(same);
  const asked = made.filter(same).length - 1;
  if (again.length > 0) {
    const who = again.length > asked ? 'the browser repeats it' : 'repeats it';
    words.push(`${who} ${times(again)}`);
  } else if (newer) {
    const repeated = arrived.filter(({ rid }) => rid === newer);
    if (repeated.length > 0) {
      words.push(`repeats the newer ${time(repeated[0].at)}, **this one is lost**`);
    }
  }
  const fresh = arrived.filter(({ sid, rid }) => !sid && rid !== signalled.rid);
  if (fresh.length > 0) {
    const more = fresh.length > 4 ? ` ... ${fresh.length} in all` : '';
    words.push(`new session ${times(fresh.slice(0, 4))}${more}`);
  }
  const later = arrived.filter(
    ({ sid, rid }) => sid && sid === signalled.sid && rid > signalled.rid,
  );
  if (words.length === 0) {
    words.push(later.length > 0 ? 'goes on with the next rid, **this one is lost**' : 'ends');
  }
  return words.join('; ');
}

// What the library told its user, the condition as *, so that rows can be compared.
function toldIn({ told }, signal) {
  const all = told.map(({ what }) =>
    what
      .replace(signal, '*')
      .replace(/(\bunknown\b|null)$/, '*')
      .replaceAll(/\s+/g, ' ')
      .slice(0, 80),
  );
  return [...new Set(all)].join(', ');
}

function cellOf(result, signal) {
  const told = toldIn(result, signal);
  return `${requestsIn(result)}${told ? ` (${told})` : ''}`;
}

// One table; signals to which every client reacted alike share a row. `resultOf(client, signal)`.
export function table(title, signals, clients, resultOf) {
  const rows = new Map();
  for (const signal of signals) {
    const cells = clients.map((client) => {
      const result = resultOf(client, signal);
      return result.error ?? cellOf(result, signal);
    });
    const key = cells.join(' | ');
    rows.set(key, [...(rows.get(key) ?? []), signal]);
  }
  const lines = [...rows].map(([cells, of]) => `| ${of.join(', ')} | ${cells} |`);
  const head = [`### ${title}`, '', `| signal | ${clients.join(' | ')} |`];
  return [...head, `|---|${clients.map(() => '---').join('|')}|`, ...lines, ''].join('\n');
}
