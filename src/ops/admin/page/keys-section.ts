import type { MetricReading } from '../../metrics/metric-reading';
import type { DatabaseKeyHeat } from '../../statistics/key-statistics';
import { showCount } from './format';
import { html, type Html } from './html';

/** Partition keys: what is known of each, and which of its keys statements were restricted to of late. */
export function keysSection(
  keys: readonly DatabaseKeyHeat[],
  reading: MetricReading,
  severalDatabases: boolean,
): Html {
  return html`<section id="keys" class="keys">
    <h2>Partition keys <small>the stronger, the more key sets at hand hold keys from there</small></h2>
    ${keys.length === 0 ? html`<p class="empty">None is at work.</p>` : ''}
    ${keys.map((key) => {
      const entries = reading.by('pcache_directory_entries', 'status', { partition_key: key.partitionKey });
      const known = entries
        .map(([status, count]) => `${showCount(count)} ${status.replaceAll('_', ' ')}`)
        .join(', ');
      return html`<div class="key">
        <h3>
          ${severalDatabases ? `${key.database}.` : ''}${key.partitionKey} <small>${key.datatype}</small>
        </h3>
        <p class="known">${known === '' ? 'nothing known yet' : `entries: ${known}`}</p>
        ${strip(key)}
      </div>`;
    })}
  </section>`;
}

function strip({ parts, sets, keys, partitionKey }: DatabaseKeyHeat): Html {
  const most = Math.max(1, ...parts.map(({ count }) => count));
  const [first, last] = [parts[0]?.first, parts.at(-1)?.last];
  if (first === undefined || last === undefined)
    return html`<p class="empty">
      ${sets === 0 ? 'No key set is at hand.' : 'The key sets at hand are empty: no key can match.'}
    </p>`;
  return html`<svg
      class="strip"
      viewBox="0 0 ${parts.length} 10"
      preserveAspectRatio="none"
      role="img"
      aria-label="${partitionKey}: keys from ${first} to ${last} in ${showCount(sets)} key sets"
    >
      ${parts.map(
        ({ count, first: from, last: to }, i) =>
          html`<rect
            x="${i}"
            width="1.02"
            height="10"
            fill-opacity="${count === 0 ? 0 : (0.12 + 0.88 * Math.sqrt(count / most)).toFixed(2)}"
            ><title>${from === to ? from : `${from} to ${to}`}: ${showCount(count)}</title></rect
          >`,
      )}
    </svg>
    <div class="ends">
      <span>${first}</span
      ><span>${showCount(keys)} keys in ${showCount(sets)} ${sets === 1 ? 'set' : 'sets'} at hand</span
      ><span>${last}</span>
    </div>`;
}
