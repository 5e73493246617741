'use strict';
// Sparklines: the last two minutes of one number, with 0 as the base line. A gap is where nothing
// was measured.

const svgSpace = 'http://www.w3.org/2000/svg';
const sparkLength = 120; // values, one a second
const sparkWidth = 120;
const sparkHeight = 28;

function svg(tag, attributes) {
  const made = document.createElementNS(svgSpace, tag);
  Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
  return made;
}

// What screen readers get is the text beside it.
function makeSpark() {
  const root = svg('svg', {
    class: 'spark',
    viewBox: `0 0 ${sparkWidth} ${sparkHeight}`,
    preserveAspectRatio: 'none',
    'aria-hidden': 'true',
  });
  root.append(svg('path', { class: 'area' }), svg('path', { class: 'stroke' }));
  return root;
}

// Runs of values without a gap: [[x, y], ...] each.
function runsOf(values, top) {
  const runs = [];
  let run = null;
  values.forEach((value, i) => {
    if (value === null) {
      run = null;
      return;
    }
    if (!run) {
      run = [];
      runs.push(run);
    }
    const x = sparkWidth - (values.length - 1 - i) * (sparkWidth / (sparkLength - 1));
    run.push([x, sparkHeight - 1.5 - (value / top) * (sparkHeight - 4)]);
  });
  return runs;
}

function drawSpark(root, values) {
  const [area, stroke] = root.children;
  const top = Math.max(1e-9, ...values.map((value) => value ?? 0));
  const print = ([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`;
  const runs = runsOf(values, top);
  const lines = runs.map((run) => {
    const points = run.length > 1 ? run : [[run[0][0] - 1, run[0][1]], run[0]];
    return points.map(print).join('L');
  });
  stroke.setAttribute('d', lines.map((line) => `M${line}`).join(''));
  const areas = runs.map((run, i) => {
    const [left, right] = [run[0][0].toFixed(1), run.at(-1)[0].toFixed(1)];
    return `M${left} ${sparkHeight}L${lines[i]}L${right} ${sparkHeight}Z`;
  });
  area.setAttribute('d', areas.join(''));
}

// The last values of one series.
class Series {
  values = [];

  add(value) {
    this.values.push(value);
    if (this.values.length > sparkLength) {
      this.values.shift();
    }
  }

  last() {
    return this.values.at(-1) ?? null;
  }
}

// A counter that only grows, as its growth a second.
class Growth extends Series {
  #before = null;

  read(total, atMs) {
    const before = this.#before;
    this.#before = { total, atMs };
    const valid = before && total >= before.total && atMs > before.atMs;
    this.add(valid ? ((total - before.total) * 1000) / (atMs - before.atMs) : null);
  }
}

// The mean of what was measured between two readings of a sum and a count. Where nothing was, the
// last one goes on.
class Mean extends Series {
  #before = null;
  recent = null; // the last one that there was

  read(total, sum) {
    const before = this.#before;
    this.#before = { total, sum };
    const valid = before && total > before.total && sum >= before.sum;
    const value = valid ? (sum - before.sum) / (total - before.total) : null;
    this.recent = value ?? this.recent;
    this.add(this.recent);
  }
}
