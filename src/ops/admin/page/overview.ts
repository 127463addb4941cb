import { type HistorySample, historyRanges } from '../../statistics/history';
import type { DatabaseShape } from '../../statistics/statement-statistics';
import { chart, type ChartPoint } from './chart';
import { showBytes, showCount, showDuration, showShare } from './format';
import { html, type Html } from './html';
import type { PageData } from './page-data';
import { pageUrl, type PageQuery } from './page-query';

/** In one look: what is saved, how often, and at what cost. */
export function overview(data: PageData): Html {
  const { reading, shapes, samples } = data;
  const { savedMs, lostMs } = totals(samples);
  const recent = recentOf(samples);
  const restricted =
    reading.sum('pcache_statements_total', { outcome: 'hit' }) +
    reading.sum('pcache_statements_total', { outcome: 'partial' });
  const share = reading.quantile('pcache_keys_kept_ratio', 0.5);
  const plan = reading.quantile('pcache_plan_seconds', 0.99);
  const speed = speedUp(shapes);
  return html`<section class="overview" aria-label="What is being saved">
    <div class="hero">
      <strong>${showDuration(savedMs - lostMs)}</strong>
      <span>of waiting saved${lostMs >= 1 ? html`, after <em>${showDuration(lostMs)}</em> lost` : ''}</span>
    </div>
    <dl>
      ${tile('restricted', restricted === 0 ? '\u2013' : showCount(restricted), speed ?? 'statements')}
      ${tile('hit rate', recent.hitRate === undefined ? '\u2013' : showShare(recent.hitRate), 'of candidates')}
      ${tile('keys kept', share === undefined ? '\u2013' : showShare(share), 'median')}
      ${tile('statements', recent.perSecond === undefined ? '\u2013' : `${showRate(recent.perSecond)}/s`, `${showCount(reading.sum('pcache_statements_total'))} in all`)}
      ${tile('clients', showCount(reading.sum('pcache_connections')), 'connected')}
      ${tile('to decide', plan === undefined ? '\u2013' : showDuration(plan * 1_000), '99th percentile')}
      ${tile('memory', showBytes(reading.sum('pcache_process_resident_memory_bytes')), `${showBytes(reading.sum('pcache_key_set_bytes'))} key sets`)}
    </dl>
  </section>`;
}

function tile(name: string, value: string, note: string): Html {
  return html`<div>
    <dt>${name}</dt>
    <dd><b>${value}</b> <span>${note}</span></dd>
  </div>`;
}

function showRate(perSecond: number): string {
  return perSecond >= 10 || perSecond === 0 ? showCount(perSecond) : perSecond.toFixed(1);
}

function totals(samples: readonly HistorySample[]): { readonly savedMs: number; readonly lostMs: number } {
  return samples.at(-1) ?? { savedMs: 0, lostMs: 0 };
}

/** Over the last minute or so. */
function recentOf(samples: readonly HistorySample[]): {
  readonly hitRate: number | undefined;
  readonly perSecond: number | undefined;
} {
  const last = samples.at(-1);
  const first = samples.find(({ atMs }) => last !== undefined && atMs >= last.atMs - 60_000);
  if (last === undefined || first === undefined || first === last)
    return { hitRate: last === undefined ? undefined : rateOf(last.hits, last.wanted), perSecond: undefined };
  return {
    hitRate: rateOf(last.hits - first.hits, last.wanted - first.wanted) ?? rateOf(last.hits, last.wanted),
    perSecond: ((last.statements - first.statements) * 1_000) / (last.atMs - first.atMs),
  };
}

function rateOf(part: number, whole: number): number | undefined {
  return whole <= 0 ? undefined : part / whole;
}

/** Of statements that were seen both ways: what they would have taken in all, by what they did. */
function speedUp(shapes: readonly DatabaseShape[]): string | undefined {
  const both = shapes.filter(
    ({ directMs, totalRestrictedMs }) => directMs !== undefined && totalRestrictedMs > 0,
  );
  const took = both.reduce((sum, { totalRestrictedMs }) => sum + totalRestrictedMs, 0);
  const expected = both.reduce((sum, { directMs = 0, restrictedRuns }) => sum + directMs * restrictedRuns, 0);
  if (took === 0) return undefined;
  return `${(expected / took).toFixed(expected / took >= 10 ? 0 : 1)}× as fast`;
}

/** More points than that no eye can tell apart. */
const maxPoints = 180;
/** A chart that has just begun is not drawn as if it knew more. */
const shortestMs = 120_000;

/** Over time: how often something known could be used, what it saved, and how far it is behind the data. */
export function charts({ samples, nowMs, reading }: PageData, query: PageQuery): Html {
  const rangeMs = historyRanges[query.range];
  const begin = samples[0]?.atMs ?? nowMs;
  const fromMs = Math.max(nowMs - rangeMs, Math.min(begin, nowMs - shortestMs));
  const steps = thinned(samples);
  const over = (value: (now: HistorySample, before: HistorySample) => number | undefined): ChartPoint[] =>
    steps.slice(1).map((now, i) => ({ atMs: now.atMs, value: value(now, steps[i] ?? now) }));
  const frame = { fromMs, toMs: nowMs };
  const tracked = samples.some(({ changedKeys }) => changedKeys !== undefined);
  const oldest = reading.sum('pcache_entry_age_seconds', { of: 'oldest' }) * 1_000;
  return html`<section>
    <h2>
      Over time
      <nav class="ranges" aria-label="How far back">
        ${Object.keys(historyRanges).map((range) =>
          range === query.range
            ? html`<b aria-current="true">${range}</b> `
            : html`<a href="${pageUrl(query, { range: range as PageQuery['range'] })}">${range}</a> `,
        )}
      </nav>
    </h2>
    <div class="charts">
      ${chart({
        ...{
          title: 'Hit rate',
          note: 'of statements that can be restricted',
          kind: 'good',
          max: 1,
          show: showShare,
        },
        ...frame,
        points: over((now, before) => rateOf(now.hits - before.hits, now.wanted - before.wanted)),
      })}
      ${chart({
        ...{ title: 'Saved each second', note: 'less what was lost', kind: 'good', show: showDuration },
        ...frame,
        points: over((now, before) => {
          const ms = now.savedMs - before.savedMs - (now.lostMs - before.lostMs);
          return (ms * 1_000) / Math.max(1, now.atMs - before.atMs);
        }),
      })}
      ${chart({
        ...{ title: 'Changed keys to look up', kind: 'care', show: showCount },
        note: tracked ? `entries are ${showDuration(oldest)} old at most` : 'no key is kept exact',
        ...frame,
        points: steps.map(({ atMs, changedKeys }) => ({ atMs, value: changedKeys })),
      })}
    </div>
  </section>`;
}

/** Every so manieth, the newest among them. */
function thinned(samples: readonly HistorySample[]): readonly HistorySample[] {
  const step = Math.max(1, Math.ceil(samples.length / maxPoints));
  const rest = (samples.length - 1) % step;
  return samples.filter((_, i) => i % step === rest);
}
