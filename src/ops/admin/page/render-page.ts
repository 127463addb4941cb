import type { ReadinessReport } from '../readiness';
import { showDuration } from './format';
import { html, type Html } from './html';
import { keysSection } from './keys-section';
import { modeForm } from './mode-form';
import { charts, overview } from './overview';
import type { PageData } from './page-data';
import type { PageQuery } from './page-query';
import { queueSection } from './queue-section';
import { reasonsSection } from './reasons-section';
import { shapesSection } from './shapes-section';

/** The whole page. All that changes is in `main` and `header`, which the script exchanges. */
export function renderPage(data: PageData, query: PageQuery): string {
  const { version, uptimeMs, databases, mode, canChange, reading, readiness, nowMs } = data;
  const severalDatabases = databases.length > 1;
  const page = html`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <title>pcache</title>
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <link rel="stylesheet" href="/page.css" />
      <link rel="icon" href="/icon.svg" type="image/svg+xml" />
      <script src="/page.js" defer></script>
    </head>
    <body>
      <header>
        <h1>pcache</h1>
        ${modeForm(mode, canChange)}
        <p class="about">
          ${databases.length === 0 ? 'no database is listed' : databases.join(', ')} · ${version} · up
          ${showDuration(uptimeMs)} ·
          <time datetime="${new Date(nowMs).toISOString()}"
            >${new Date(nowMs).toTimeString().slice(0, 8)}</time
          >
        </p>
      </header>
      <main>
        ${troubles(readiness, reading.sum('pcache_cache_away') > 0)} ${overview(data)} ${charts(data, query)}
        ${shapesSection(data.shapes, query, severalDatabases)}
        <div class="columns">
          ${reasonsSection(reading)}
          <div>${keysSection(data.keys, reading, severalDatabases)}${queueSection(data)}</div>
        </div>
      </main>
      <footer>
        <a href="/metrics">metrics</a> <a href="/readyz">readiness</a>
        <span
          >Times saved are estimates: against the median of the last unrestricted runs of each statement's
          shape.</span
        >
      </footer>
    </body>
  </html> `;
  return `<!doctype html>\n${page.toString()}`;
}

function troubles({ ready, degraded, reasons }: ReadinessReport, isCacheAway: boolean): Html | undefined {
  if (ready && !degraded && !isCacheAway) return undefined;
  const what = ready
    ? 'Clients are served, but less well than they should be'
    : 'Clients should not be sent here now';
  return html`<section class="${ready ? 'trouble degraded' : 'trouble'}" role="status">
    <b>${what}</b>
    <ul>
      ${reasons.map(({ check, reason }) => html`<li>${check}: ${reason}</li>`)}
    </ul>
  </section>`;
}
