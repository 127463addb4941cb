'use strict';
// Everything here is a convenience: without it the page is whole, and is reloaded by hand.
/* global document, window, fetch, DOMParser, FormData, URLSearchParams */

const refreshMs = 5000;

/** Exchanges what changes, and leaves open what was opened. */
async function refresh() {
  if (document.hidden || isBusy()) return;
  try {
    const response = await fetch(window.location.href, { headers: { accept: 'text/html' } });
    if (!response.ok) throw new Error(String(response.status));
    const fresh = new DOMParser().parseFromString(await response.text(), 'text/html');
    if (isBusy()) return;
    const open = [...document.querySelectorAll('details[open]')].map(({ dataset }) => dataset.key);
    for (const details of fresh.querySelectorAll('details'))
      details.toggleAttribute('open', open.includes(details.dataset.key));
    for (const name of ['header', 'main'])
      document.querySelector(name).replaceWith(fresh.querySelector(name));
    document.body.classList.remove('stale');
  } catch {
    // Told by the look of it: the figures are those of the last time that went well.
    document.body.classList.add('stale');
  }
}

/** Whoever is typing, marking text or looking at a chart is not to be disturbed. */
function isBusy() {
  const { activeElement } = document;
  if (activeElement !== null && activeElement.closest('form') !== null) return true;
  return document.querySelector('.chart:hover') !== null || String(window.getSelection()) !== '';
}

/** Shows the value that is nearest to the pointer. */
function point(event) {
  const figure = event.target.closest('.chart');
  if (figure === null) return;
  const plot = figure.querySelector('.plot');
  const now = figure.querySelector('.now');
  figure.dataset.now ??= now.textContent;
  const { left, width } = plot.getBoundingClientRect();
  const at = (event.clientX - left) / width;
  const points = JSON.parse(figure.dataset.points).filter(({ y }) => y !== undefined);
  if (points.length === 0) return;
  const nearest = points.reduce((a, b) => (Math.abs(b.x - at) < Math.abs(a.x - at) ? b : a));
  now.textContent = nearest.text;
  let mark = figure.querySelector('.mark');
  if (mark === null) {
    mark = document.createElementNS('http://www.w3.org/2000/svg', 'path');
    mark.setAttribute('class', 'mark');
    figure.querySelector('svg').append(mark);
  }
  mark.setAttribute('d', `M${nearest.x * 480} 0V96`);
}

function leave(event) {
  const figure = event.target.closest('.chart');
  if (figure === null || figure.contains(event.relatedTarget) || figure.dataset.now === undefined) return;
  figure.querySelector('.now').textContent = figure.dataset.now;
  figure.querySelector('.mark')?.remove();
  delete figure.dataset.now;
}

/** Says beside the form what came of it, where a browser would show a page of its own. */
async function setMode(event) {
  const form = event.target;
  if (form.getAttribute('action') !== '/mode') return;
  event.preventDefault();
  const said = form.querySelector('output');
  said.textContent = 'setting …';
  try {
    const response = await fetch('/mode', { method: 'POST', body: new URLSearchParams(new FormData(form)) });
    if (!response.ok) {
      said.textContent = (await response.text()).trim();
      return;
    }
    said.textContent = '';
    form.querySelector('[name=token]').value = '';
    form.closest('details').open = false;
    document.activeElement.blur();
    await refresh();
  } catch (error) {
    said.textContent = String(error);
  }
}

document.addEventListener('pointermove', point);
document.addEventListener('pointerout', leave);
document.addEventListener('submit', setMode);
setInterval(refresh, refreshMs);
