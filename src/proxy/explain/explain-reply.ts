import { type Explanation } from '../../engine/explain/explanation';
import { renderJson } from '../../engine/explain/render-json';
import { renderText } from '../../engine/explain/render-text';
import { type ExplainedStatement } from '../../query/explain/explain-option';
import { type Measurement } from './measurement';

/** How the restricted form was measured, or why it was not. */
export type Measured = Measurement | string;

/** The rows that answer one `EXPLAIN (PCACHE)`, in the place of those the server sends. */
export class ExplainReply {
  /** The server's own rows: with ANALYZE, the plan of the statement as it came. */
  private readonly plan: Buffer[] = [];

  /**
   * @param measured the restricted form, with ANALYZE
   * @param isUtf8 whether the client reads UTF-8; if not, our own words are written in ASCII
   */
  constructor(
    private readonly asked: ExplainedStatement,
    private readonly explanation: Explanation,
    private readonly measured: Measured | undefined,
    private readonly isUtf8: boolean,
  ) {}

  /** A value of the server's. */
  takeRow(value: Buffer): void {
    if (this.asked.isAnalyzed) this.plan.push(value);
  }

  /** The values to answer with, a row each. */
  rows(): readonly Buffer[] {
    return this.asked.format === 'json' ? [this.json()] : this.lines();
  }

  private lines(): readonly Buffer[] {
    const { asked, explanation, measured } = this;
    const own = renderText(explanation, asked).map((line) => this.encode(line));
    if (!asked.isAnalyzed) return own;
    const indent = (row: Buffer): Buffer => Buffer.concat([Buffer.from('  '), row]);
    return [
      ...own,
      Buffer.from('Plan as it came:'),
      ...this.plan.map(indent),
      Buffer.from('Plan of the restricted form:'),
      ...this.restrictedPlan(measured).map(indent),
    ];
  }

  private restrictedPlan(measured: Measured | undefined): readonly Buffer[] {
    if (measured === undefined) return [Buffer.from('none: there is no such form')];
    if (typeof measured === 'string') return [this.encode(`not run: ${measured}`)];
    return measured.failure === undefined ? measured.rows : [this.encode(`failed: ${measured.failure}`)];
  }

  /** One array with one element, as PostgreSQL's; the plans in it are the server's, byte for byte. */
  private json(): Buffer {
    const { asked, explanation, measured } = this;
    const parts: (readonly [name: string, value: Buffer])[] = [
      ['pcache', this.encode(JSON.stringify(renderJson(explanation), null, 2))],
    ];
    const note = (text: string): Buffer => this.encode(JSON.stringify(text));
    if (asked.isAnalyzed) {
      parts.push(['Plan As It Came', joined(this.plan)]);
      if (typeof measured === 'string') parts.push(['Restricted Form Not Run', note(measured)]);
      else if (measured?.failure !== undefined)
        parts.push(['Restricted Form Failed', note(measured.failure)]);
      else if (measured !== undefined) parts.push(['Plan Of The Restricted Form', joined(measured.rows)]);
    }
    const members = parts.map(([name, value]) => Buffer.concat([Buffer.from(`"${name}": `), value]));
    const separated = members.flatMap((member, i) => (i === 0 ? [member] : [Buffer.from(',\n'), member]));
    return Buffer.concat([Buffer.from('[{'), ...separated, Buffer.from('}]')]);
  }

  /** In a client's encoding other than UTF-8, what is not ASCII is written as JSON would. */
  private encode(text: string): Buffer {
    if (this.isUtf8) return Buffer.from(text);
    const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
    return Buffer.from(text.replaceAll(/[\u0080-\uffff]/g, escaped));
  }
}

/** The server sends JSON as one row. */
function joined(rows: readonly Buffer[]): Buffer {
  return rows.length === 0 ? Buffer.from('null') : Buffer.concat(rows);
}
