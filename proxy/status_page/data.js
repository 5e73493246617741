'use strict';
// What is asked of boshgate, and how it is known whether it still answers.

const pollEvery = 1000; // ms from the end of one look to the next
const answerLimit = 4000; // ms

class Refused extends Error {
  constructor(status, body) {
    super(body?.error?.message ?? `boshgate answered ${status}`);
    this.status = status;
    this.code = body?.error?.code ?? '';
  }
}

async function call(path, { limit = answerLimit, ...options } = {}) {
  const answer = await fetch(path, {
    cache: 'no-store',
    credentials: 'omit',
    redirect: 'error',
    signal: AbortSignal.timeout(limit),
    ...options,
  });
  // Log lines may quote what clients sent; text() mends what is no UTF-8.
  const text = await answer.text();
  let body = null;
  try {
    body = JSON.parse(text);
  } catch {
    body = null;
  }
  if (!answer.ok || body === null) {
    throw new Refused(answer.status, body);
  }
  return body;
}

// Looks at boshgate again and again while somebody looks at the page. `show({status, nodes,
// errors})` gets what was seen; `lost(since, problem)` is called when no answer came, with the time
// of the last one.
class Watch {
  #show;
  #lost;
  #timer = 0;
  #looking = false;
  again = false; // somebody wants to see what has just changed
  seenAt = null;

  constructor(show, lost) {
    this.#show = show;
    this.#lost = lost;
    document.addEventListener('visibilitychange', () => this.soon());
  }

  // Looks at once, or right after the look that is under way.
  soon() {
    clearTimeout(this.#timer);
    if (this.#looking) {
      this.again = true;
    } else if (!document.hidden) {
      this.#look();
    }
  }

  async #look() {
    this.#looking = true;
    this.again = false;
    try {
      const [status, nodes, errors] = await Promise.all([
        call('/api/v1/status'),
        call('/api/v1/nodes'),
        call('/api/v1/errors'),
      ]);
      this.seenAt = Date.now();
      this.#show({ status, nodes: nodes.nodes, errors });
    } catch (problem) {
      this.#lost(this.seenAt, problem);
    }
    this.#looking = false;
    if (!document.hidden) {
      this.#timer = setTimeout(() => this.#look(), this.again ? 0 : pollEvery);
    }
  }
}

// The token of admin.token_file. In memory; in this tab's storage only if the user wants that. It
// never stands in a URL.
const token = {
  value: sessionStorage.getItem('token') ?? '',

  set(value, keep) {
    this.value = value;
    if (keep && value) {
      sessionStorage.setItem('token', value);
    } else {
      sessionStorage.removeItem('token');
    }
  },
};

function change(node, verb) {
  return call(`/api/v1/nodes/${encodeURIComponent(node)}/${verb}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token.value}` },
  });
}
