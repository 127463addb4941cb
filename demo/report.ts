import type { Measurement } from './measure';
import type { Question } from './questions';

const barWidth = 20;

type Align = 'left' | 'right';
const columns: readonly { readonly title: string; readonly width: number; readonly align: Align }[] = [
  { title: 'question', width: 26, align: 'left' },
  { title: 'direct ms', width: 9, align: 'right' },
  { title: 'first ms', width: 8, align: 'right' },
  { title: 'cached ms', width: 9, align: 'right' },
  { title: 'cached, of direct', width: barWidth, align: 'left' },
  { title: 'faster', width: 7, align: 'right' },
  { title: 'keys kept', width: 12, align: 'right' },
  { title: 'rows', width: 5, align: 'right' },
  { title: 'same', width: 4, align: 'left' },
];

/** Lines for a terminal of 120 columns; with escape sequences only if it can show them. */
export class Report {
  constructor(private readonly hasColours: boolean) {}

  header(): string {
    const titles = this.line(columns.map(({ title }) => title));
    return `${this.bold(titles)}\n${columns.map(({ width }) => '─'.repeat(width)).join('  ')}`;
  }

  row(question: Question, result: Measurement): string {
    const share = result.cached_ms / result.direct_ms;
    const line = this.line([
      result.name,
      result.direct_ms.toFixed(1),
      result.first_ms.toFixed(1),
      result.cached_ms.toFixed(1),
      bar(share),
      `${(1 / share).toFixed(1)} x`,
      `${result.keys} of ${result.total_keys}`,
      String(result.rows),
      result.identical ? 'yes' : 'NO',
    ]);
    return `${line}\n${this.dim(`  ${question.text}`)}`;
  }

  private line(cells: readonly string[]): string {
    return columns
      .map(({ width, align }, i) =>
        align === 'left' ? (cells[i] ?? '').padEnd(width) : (cells[i] ?? '').padStart(width),
      )
      .join('  ')
      .trimEnd();
  }

  private bold(text: string): string {
    return this.hasColours ? `\x1b[1m${text}\x1b[0m` : text;
  }

  private dim(text: string): string {
    return this.hasColours ? `\x1b[2m${text}\x1b[0m` : text;
  }
}

/** The share of the time that is left, in eighths of a character; more than all of it fills the bar. */
function bar(share: number): string {
  const eighths = Math.max(1, Math.round(Math.min(1, share) * barWidth * 8));
  const partial = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths % 8] ?? '';
  return `${'█'.repeat(Math.floor(eighths / 8))}${partial}`.padEnd(barWidth, '·');
}
