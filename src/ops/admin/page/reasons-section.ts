import { forwardReasons } from '../../metrics/forward-reasons';
import type { MetricReading } from '../../metrics/metric-reading';
import { showCount } from './format';
import { html, type Html } from './html';

const notCandidate = 'not a candidate';

/** Why statements, and blocks of them, were left as they are, with counts. */
export function reasonsSection(reading: MetricReading): Html {
  const statements = new Map(
    reading
      .by('pcache_rewrite_outcome_total', 'reason', { outcome: 'bypassed' })
      .filter(([, count]) => count > 0),
  );
  const blocks = new Map(
    reading.by('pcache_blocks_total', 'reason', { outcome: 'left' }).filter(([, count]) => count > 0),
  );
  const passed = statements.get(notCandidate) ?? 0;
  const reasons = [...new Set([...statements.keys(), ...blocks.keys()])]
    .filter((reason) => reason !== notCandidate)
    .map((reason) => ({ reason, statements: statements.get(reason) ?? 0, blocks: blocks.get(reason) ?? 0 }));
  const most = Math.max(1, ...reasons.map((each) => each.statements));
  return html`<section id="reasons" class="reasons">
    <h2>Why not <small>statements left as they are</small></h2>
    ${
      reasons.length === 0
        ? html`<p class="empty">None of those that name a table with a key.</p>`
        : html`<div class="scroll">
            <table>
              <thead>
                <tr>
                  <th scope="col">reason</th>
                  <th scope="col" class="n">statements</th>
                  <th scope="col"></th>
                  <th scope="col" class="n">blocks</th>
                </tr>
              </thead>
              <tbody>
                ${reasons.map(
                  ({ reason, statements: count, blocks: ofBlocks }) =>
                    html`<tr>
                      <td>
                        <b>${reason}</b>
                        <span>${(forwardReasons.get(reason)?.meaning ?? '').replaceAll('`', '')}</span>
                      </td>
                      <td class="n">${count === 0 ? '' : showCount(count)}</td>
                      <td class="bar">
                        <svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
                          <rect width="${((count / most) * 100).toFixed(1)}" height="6" />
                        </svg>
                      </td>
                      <td class="n">${ofBlocks === 0 ? '' : showCount(ofBlocks)}</td>
                    </tr>`,
                )}
              </tbody>
            </table>
          </div>`
    }
    ${passed === 0 ? '' : html`<p class="note">${showCount(passed)} more name no table with a key, or are of a kind that is left alone; they are only relayed.</p>`}
  </section>`;
}
