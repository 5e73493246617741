'use strict';
// Numbers and times for people, and small helpers for the document. Text from outside only ever
// becomes text: the page's policy (trusted types) forbids everything else.

const $ = (id) => document.getElementById(id);

function make(tag, className = '', ...children) {
  const made = document.createElement(tag);
  if (className) {
    made.className = className;
  }
  made.append(...children);
  return made;
}

// Changes the document only where it differs, so that nothing flickers or loses its selection.
function setText(element, text) {
  const wanted = String(text);
  if (element.textContent !== wanted) {
    element.textContent = wanted;
  }
}

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const count = (n) => whole.format(n);
const plural = (n, word) => `${count(n)} ${word}${n === 1 ? '' : 's'}`;

// "0.4", "12", "1,250"
function rate(perSecond) {
  return perSecond < 10 ? String(Math.round(perSecond * 10) / 10) : count(perSecond);
}

// Milliseconds: "0.8 ms", "34 ms", "2.1 s"
function shortTime(ms) {
  if (ms >= 1000) {
    return `${(ms / 1000).toFixed(1)} s`;
  }
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}

// How long something lasts, with two units at most: "8 s", "3 min 5 s", "2 h 14 min", "12 d 3 h"
function span(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const units = [
    ['d', 86400],
    ['h', 3600],
    ['min', 60],
    ['s', 1],
  ];
  const first = units.findIndex(([, size]) => seconds >= size);
  if (first < 0) {
    return '0 s';
  }
  const [name, size] = units[first];
  const parts = [`${Math.floor(seconds / size)} ${name}`];
  if (first + 1 < units.length) {
    const [nextName, nextSize] = units[first + 1];
    const rest = Math.floor((seconds % size) / nextSize);
    if (rest > 0) {
      parts.push(`${rest} ${nextName}`);
    }
  }
  return parts.join(' ');
}

const clockTime = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});
const fullTime = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'long' });

// Sets a <time> element to a moment; what it says is up to the caller.
function setTime(element, unixMs, text) {
  const when = new Date(unixMs);
  element.dateTime = when.toISOString();
  element.title = fullTime.format(when);
  setText(element, text);
}

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);
