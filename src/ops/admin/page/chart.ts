import { showTime } from './format';
import { html, type Html } from './html';

export interface ChartPoint {
  readonly atMs: number;
  /** undefined: nothing is known, or there was nothing to know; the line has a gap. */
  readonly value: number | undefined;
}

export interface ChartOptions {
  readonly title: string;
  /** What is said of it, below. */
  readonly note: string;
  readonly points: readonly ChartPoint[];
  readonly fromMs: number;
  readonly toMs: number;
  /** Top of the scale; by default, the largest value, rounded up. */
  readonly max?: number;
  readonly show: (value: number) => string;
  /** good: what there should be much of. care: little. */
  readonly kind: 'good' | 'care';
}

/** Of the drawing; it is stretched to the space there is. */
const [width, height] = [480, 96];

/** Values over time as inline SVG; numbers stand around it as text. The script shows single values, which are in data-points for it. */
export function chart({ title, note, points, fromMs, toMs, max, show, kind }: ChartOptions): Html {
  const known = points.flatMap(({ value }) => value ?? []);
  const low = Math.min(0, ...known);
  const high = max ?? roundUp(Math.max(...known, low === 0 ? 0 : -low / 8));
  const x = (atMs: number): number => ((atMs - fromMs) / Math.max(1, toMs - fromMs)) * width;
  const y = (value: number): number => height - ((value - low) / (high - low || 1)) * height;
  const at = ({ atMs, value }: ChartPoint): string => `${x(atMs).toFixed(1)} ${y(value ?? 0).toFixed(1)}`;
  const runs = unbroken(points);
  const line = runs.map((run) => `M${run.map(at).join('L')}`).join('');
  const area = runs
    .map((run) => {
      const [first, last] = [run[0]?.atMs ?? 0, run.at(-1)?.atMs ?? 0];
      return `M${x(first).toFixed(1)} ${y(0).toFixed(1)}L${run.map(at).join('L')}L${x(last).toFixed(1)} ${y(0).toFixed(1)}Z`;
    })
    .join('');
  const latest = known.at(-1);
  const data = points.map(({ atMs, value }) => ({
    x: Number((x(atMs) / width).toFixed(4)),
    y: value === undefined ? undefined : Number((y(value) / height).toFixed(4)),
    text: value === undefined ? '' : `${show(value)} at ${showTime(atMs, toMs)}`,
  }));
  const spoken = latest === undefined ? 'nothing yet' : `now ${show(latest)}`;
  return html`<figure class="chart ${kind}" data-points="${JSON.stringify(data)}">
    <figcaption>
      <span class="name">${title}</span>
      <output class="now">${latest === undefined ? '\u2013' : show(latest)}</output>
      <span class="top">${known.length === 0 && max === undefined ? '' : show(high)}</span>
    </figcaption>
    <div class="plot">
      <svg
        viewBox="0 0 ${width} ${height}"
        preserveAspectRatio="none"
        role="img"
        aria-label="${title}: ${spoken}"
      >
        <path class="grid" d="M0 0.5H${width}M0 ${height / 2}H${width}M0 ${y(0).toFixed(1)}H${width}" />
        <path class="area" d="${area}" />
        <path class="line" d="${line}" />
      </svg>
    </div>
    <div class="times">
      <span>${showTime(fromMs, toMs)}</span><span class="note">${note}</span
      ><span>${showTime(toMs, toMs)}</span>
    </div>
  </figure>`;
}

/** Stretches of points that are known. */
function unbroken(points: readonly ChartPoint[]): readonly (readonly ChartPoint[])[] {
  const runs: ChartPoint[][] = [[]];
  for (const point of points) {
    if (point.value !== undefined) runs.at(-1)?.push(point);
    else if (runs.at(-1)?.length !== 0) runs.push([]);
  }
  // A point alone would be a line without length, which is not drawn.
  return runs.flatMap((run) => (run.length === 0 ? [] : [run.length === 1 ? [...run, ...run] : run]));
}

/** To 1, 2 or 5 times a power of ten. */
function roundUp(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10) * power;
}
