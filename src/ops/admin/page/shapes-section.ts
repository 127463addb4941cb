import type { DatabaseShape } from '../../statistics/statement-statistics';
import { showCount, showDuration, showFactor, showShare } from './format';
import { html, type Html } from './html';
import { mostShapes, pageUrl, type PageQuery, shapeOrders, type ShapeOrder } from './page-query';

const orders: Readonly<
  Record<ShapeOrder, { readonly name: string; readonly by: (shape: DatabaseShape) => number }>
> = {
  saved: { name: 'most saved', by: ({ savedMs }) => savedMs },
  time: {
    name: 'most time',
    by: ({ totalDirectMs, totalRestrictedMs }) => totalDirectMs + totalRestrictedMs,
  },
  calls: { name: 'most calls', by: ({ calls }) => calls },
  lost: { name: 'most lost', by: ({ savedMs }) => -savedMs },
};

/** Characters of a statement that are shown before it is opened. */
const lineLength = 200;

/** Statement shapes with their time as they come and restricted. */
export function shapesSection(
  all: readonly DatabaseShape[],
  query: PageQuery,
  severalDatabases: boolean,
): Html {
  const { by } = orders[query.order];
  const shapes = [...all].sort((a, b) => by(b) - by(a)).slice(0, query.shapes);
  const times = shapes.flatMap(({ directMs, restrictedMs }) => [directMs ?? [], restrictedMs ?? []].flat());
  const scale = timeScale(times);
  const sorting = shapeOrders.map((order) =>
    order === query.order
      ? html`<b aria-current="true">${orders[order].name}</b> `
      : html`<a href="${pageUrl(query, { order }, '#shapes')}">${orders[order].name}</a> `,
  );
  return html`<section id="shapes" class="shapes">
    <h2>
      Statements
      <small
        >${showCount(all.length)} ${all.length === 1 ? 'shape' : 'shapes'};
        <span class="legend"
          ><svg viewBox="0 0 10 10" aria-hidden="true"><circle class="before" cx="5" cy="5" r="3.5" /></svg>
          as it comes
          <svg viewBox="0 0 10 10" aria-hidden="true"><circle class="after" cx="5" cy="5" r="4" /></svg>
          restricted, medians, ${scale.text}</span
        ></small
      >
    </h2>
    <nav>${sorting}</nav>
    ${
      shapes.length === 0
        ? html`<p class="empty">No statement has come yet that could be restricted.</p>`
        : html`<div class="scroll">
            <table>
              <thead>
                <tr>
                  <th scope="col">statement</th>
                  <th scope="col" class="n">calls</th>
                  <th scope="col" class="n">restricted</th>
                  <th scope="col" class="n">as it comes</th>
                  <th class="dumbbell"></th>
                  <th scope="col" class="n">restricted</th>
                  <th scope="col"></th>
                  <th scope="col" class="n">saved</th>
                  <th scope="col">last left alone for</th>
                </tr>
              </thead>
              <tbody>
                ${shapes.map((shape) => row(shape, scale, severalDatabases))}
              </tbody>
            </table>
          </div>`
    }
    ${
      all.length > shapes.length && query.shapes < mostShapes
        ? html`<p class="more">
            <a href="${pageUrl(query, { shapes: mostShapes }, '#shapes')}"
              >${showCount(Math.min(mostShapes, all.length))} of them</a
            >
          </p>`
        : ''
    }
  </section>`;
}

function row(shape: DatabaseShape, scale: TimeScale, severalDatabases: boolean): Html {
  const { text, database, fingerprint, calls, hits, partials, failures, directMs, restrictedMs, savedMs } =
    shape;
  const share = calls === 0 ? 0 : (hits + partials) / calls;
  const line = text.replaceAll(/\s+/g, ' ').trim();
  const isSlower = directMs !== undefined && restrictedMs !== undefined && restrictedMs > directMs * 1.05;
  return html`<tr>
    <td class="sql">
      <details data-key="${fingerprint}">
        <summary><code>${line.slice(0, lineLength)}</code></summary>
        <pre>${text}</pre>
        <p>
          ${severalDatabases ? html`database <b>${database}</b>, ` : ''}fingerprint ${fingerprint}:
          ${outcomes(shape)}${failures > 0 ? `; ${showCount(failures)} failed` : ''}
        </p>
      </details>
    </td>
    <td class="n">${showCount(calls)}</td>
    <td class="n">
      <svg class="meter" viewBox="0 0 40 6" aria-hidden="true">
        <rect width="40" height="6" rx="3" />
        <rect class="on" width="${(share * 40).toFixed(1)}" height="6" rx="3" />
      </svg>
      ${showShare(share)}
    </td>
    <td class="n">${directMs === undefined ? '\u2013' : showDuration(directMs)}</td>
    <td class="dumbbell">${dumbbell(directMs, restrictedMs, scale)}</td>
    <td class="n">${restrictedMs === undefined ? '\u2013' : showDuration(restrictedMs)}</td>
    <td class="${isSlower ? 'factor bad' : 'factor good'}">
      ${directMs === undefined || restrictedMs === undefined ? '' : showFactor(directMs, restrictedMs)}
    </td>
    <td class="${savedMs < 0 ? 'n bad' : 'n'}">
      ${Math.abs(savedMs) < 0.5 ? '\u2013' : showDuration(savedMs)}
    </td>
    <td class="reason">${shape.lastReason ?? ''}</td>
  </tr>`;
}

function outcomes({ hits, partials, misses, bypasses, fallbacks }: DatabaseShape): string {
  const parts = [
    [hits, 'restricted by all that can be known'],
    [partials, 'in part'],
    [misses, 'not known yet'],
    [bypasses, 'left alone'],
    [fallbacks, 'given up unseen'],
  ] as const;
  return parts.flatMap(([count, what]) => (count > 0 ? [`${showCount(count)} ${what}`] : [])).join(', ');
}

interface TimeScale {
  readonly x: (ms: number) => number;
  readonly text: string;
}

const dumbbellWidth = 140;

/** Logarithmic, over whole powers of ten: a thousandth of the time is to be seen as well as half of it. */
function timeScale(times: readonly number[]): TimeScale {
  const powers = times.filter((ms) => ms > 0).map((ms) => Math.log10(ms));
  const low = Math.floor(Math.min(...powers, 1));
  const high = Math.max(low + 1, Math.ceil(Math.max(...powers, 1)));
  const x = (ms: number): number =>
    5 + ((Math.log10(Math.max(ms, 10 ** low)) - low) / (high - low)) * (dumbbellWidth - 10);
  return { x, text: `${showDuration(10 ** low)} to ${showDuration(10 ** high)}` };
}

function dumbbell(directMs: number | undefined, restrictedMs: number | undefined, { x }: TimeScale): Html {
  const [before, after] = [directMs, restrictedMs].map((ms) =>
    ms === undefined ? undefined : x(ms).toFixed(1),
  );
  const isSlower = directMs !== undefined && restrictedMs !== undefined && restrictedMs > directMs * 1.05;
  return html`<svg class="${isSlower ? 'slower' : ''}" viewBox="0 0 ${dumbbellWidth} 12" aria-hidden="true">
    <path class="track" d="M0 6H${dumbbellWidth}" />
    ${
      before !== undefined && after !== undefined ? html`<path class="bar" d="M${before} 6H${after}" />` : ''
    }${before === undefined ? '' : html`<circle class="before" cx="${before}" cy="6" r="3.5" />`}${
      after === undefined ? '' : html`<circle class="after" cx="${after}" cy="6" r="4" />`
    }
  </svg>`;
}
