import { showCount, showDuration } from './format';
import { html, type Html } from './html';
import type { PageData } from './page-data';

const states = ['waiting', 'delayed', 'running', 'dead'] as const;
const tiers = [
  ['statements', 'pcache_statement_queue_length', 'original_query_queue'],
  ['fragments', 'pcache_queue_length', 'query_fragment_queue'],
] as const;

/** What waits to be learned, and how learning went. */
export function queueSection({ reading, population }: PageData): Html {
  const running = reading.sum('pcache_population_running');
  const median = reading.quantile('pcache_population_seconds', 0.5);
  const runs = reading.by('pcache_population_runs_total', 'status').filter(([, count]) => count > 0);
  const verified = reading.by('pcache_verifications_total', 'outcome').filter(([, count]) => count > 0);
  const exact = reading.by('pcache_exact_entries', 'state').filter(([, count]) => count > 0);
  return html`<section id="queue" class="queue">
    <h2>
      Learning
      <small>${stateOf(population)}${running > 0 ? `; ${showCount(running)} at this moment` : ''}</small>
    </h2>
    <table>
      <thead>
        <tr>
          <th scope="col">queue</th>
          ${states.map((state) => html`<th scope="col" class="n">${state}</th>`)}
          <th scope="col" class="n">oldest</th>
        </tr>
      </thead>
      <tbody>
        ${tiers.map(
          ([name, metric, tier]) =>
            html`<tr>
              <th scope="row">${name}</th>
              ${states.map((state) => {
                const count = reading.sum(metric, { state });
                return html`<td class="n${count === 0 ? ' zero' : state === 'dead' ? ' bad' : ''}">
                  ${showCount(count)}
                </td>`;
              })}
              <td class="n">${oldest(reading.sum('pcache_queue_oldest_seconds', { tier }))}</td>
            </tr>`,
        )}
      </tbody>
    </table>
    <ul>
      <li>
        ${runs.length === 0 ? 'No fragment was run by this process.' : `Fragments run: ${list(runs)}${median === undefined ? '' : `; half of them within ${showDuration(median * 1_000)}`}`}
      </li>
      ${exact.length === 0 ? '' : html`<li>Entries kept exact: ${list(exact)}; ${showCount(reading.sum('pcache_change_log_rows'))} changes in the logs</li>`}
      ${verified.length === 0 ? '' : html`<li class="${verified.some(([outcome]) => outcome === 'different') ? 'bad' : ''}">Verified: ${list(verified)}</li>`}
    </ul>
  </section>`;
}

function stateOf(population: PageData['population']): string {
  if (population === undefined) return 'what waits to be run';
  return {
    running: 'fragments are run by this process',
    paused: 'paused by an operator',
    elsewhere: 'fragments are run elsewhere',
  }[population];
}

function oldest(seconds: number): string {
  return seconds === 0 ? '\u2013' : showDuration(seconds * 1_000);
}

function list(counts: readonly (readonly [string, number])[]): string {
  return counts.map(([name, count]) => `${showCount(count)} ${name.replaceAll('_', ' ')}`).join(', ');
}
