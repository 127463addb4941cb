/** A series that an expression selects. */
export interface Selector {
  readonly metric: string;
  readonly matchers: readonly { readonly label: string; readonly operator: string; readonly value: string }[];
}

/** What an expression of PromQL names. */
export interface PromqlNames {
  readonly selectors: readonly Selector[];
  /** Labels that it groups or matches by. */
  readonly groupedBy: readonly string[];
}

const functions = ['rate', 'increase', 'histogram_quantile'];
const aggregations = ['sum', 'max', 'count', 'topk'];
const labelLists = ['by', 'without', 'on', 'ignoring', 'group_left', 'group_right'];
const words = ['and', 'or', 'unless', 'bool'];

const token =
  /\s*(?:(?<text>"(?:[^"\\]|\\.)*")|(?<number>\d+(?:\.\d+)?)(?![\w])|(?<name>[a-zA-Z_:][\w:]*)|(?<range>\[(?:\d+[smhd]|\$__(?:rate_interval|range))\])|(?<operator>=~|!~|!=|==|>=|<=|[-+*/%^<>=(){},]))/y;

/**
 * Reads the PromQL that dashboards and rules here are written in. Strict: a name that is neither a function it knows, nor where a metric
 * or a label has to be, is an error; so are brackets that do not match. It is no judge of types.
 */
export function readPromql(expression: string): PromqlNames {
  const reader = new Reader(expression);
  const selectors: Selector[] = [];
  const groupedBy: string[] = [];
  const open: string[] = [];
  for (let at = reader.take(); at !== undefined; at = reader.take()) {
    if (at.kind === 'operator' && at.text === '(') open.push(at.text);
    if (at.kind === 'operator' && at.text === ')' && open.pop() !== '(') reader.fail('a bracket too many');
    if (at.kind === 'operator' && '{}'.includes(at.text)) reader.fail('braces without a metric');
    if (at.kind !== 'name' || words.includes(at.text)) continue;
    if (labelLists.includes(at.text)) groupedBy.push(...reader.labels());
    else if (functions.includes(at.text)) reader.expect('(', false);
    else if (aggregations.includes(at.text)) continue;
    else selectors.push({ metric: at.text, matchers: reader.matchers() });
  }
  if (open.length > 0) reader.fail('a bracket is not closed');
  return { selectors, groupedBy };
}

interface Token {
  readonly kind: 'text' | 'number' | 'name' | 'range' | 'operator';
  readonly text: string;
}

class Reader {
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(private readonly expression: string) {
    const tokens: Token[] = [];
    token.lastIndex = 0;
    while (token.lastIndex < expression.trimEnd().length) {
      const from = token.lastIndex;
      const groups = token.exec(expression)?.groups;
      if (groups === undefined) throw new Error(`not understood: ${expression.slice(from)} in ${expression}`);
      const [kind = '', text = ''] = Object.entries(groups).find(([, found]) => found !== undefined) ?? [];
      tokens.push({ kind: kind as Token['kind'], text });
    }
    this.#tokens = tokens;
  }

  take(): Token | undefined {
    return this.#tokens[this.#next++];
  }

  expect(text: string, isTaken = true): void {
    const found = this.#tokens[this.#next]?.text;
    if (found !== text) this.fail(`expected ${text}, got ${found ?? 'the end'}`);
    if (isTaken) this.#next += 1;
  }

  labels(): readonly string[] {
    const labels: string[] = [];
    this.expect('(');
    while (this.#tokens[this.#next]?.text !== ')') {
      labels.push(this.#name());
      if (this.#tokens[this.#next]?.text === ',') this.#next += 1;
    }
    this.expect(')');
    return labels;
  }

  matchers(): Selector['matchers'] {
    const matchers: { label: string; operator: string; value: string }[] = [];
    if (this.#tokens[this.#next]?.text !== '{') return matchers;
    this.#next += 1;
    while (this.#tokens[this.#next]?.text !== '}') {
      const label = this.#name();
      const operator = this.take()?.text ?? '';
      if (!['=', '!=', '=~', '!~'].includes(operator)) this.fail(`${operator} is no matcher`);
      const value = this.take();
      if (value?.kind !== 'text') return this.fail('a matcher wants a text');
      matchers.push({ label, operator, value: JSON.parse(value.text) as string });
      if (this.#tokens[this.#next]?.text === ',') this.#next += 1;
    }
    this.expect('}');
    return matchers;
  }

  fail(what: string): never {
    throw new Error(`${what} in ${this.expression}`);
  }

  #name(): string {
    const found = this.take();
    return found?.kind === 'name'
      ? found.text
      : this.fail(`expected a label, got ${found?.text ?? 'the end'}`);
  }
}
