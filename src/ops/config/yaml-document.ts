import { messageOf } from '../../errors/message-of';
import { isAlias, isMap, isScalar, LineCounter, parseDocument, type Document, type Node } from 'yaml';
import type { ConfigProblem } from '../../errors/config-error';
import type { OptionPath } from './option-path';

/** A YAML text as data, and where in the text each option stands. */
export interface YamlDocument {
  readonly data: unknown;
  /** Syntax errors and duplicate keys; `data` is not to be used if there are any. */
  readonly problems: readonly ConfigProblem[];
  /** Line, from 1, of the option's name or of the nearest thing around it that the text has. */
  lineOf(path: OptionPath): number | undefined;
}

export function readYaml(text: string): YamlDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const problems = [...document.errors, ...document.warnings].map((error): ConfigProblem => {
    const { line, col } = lines.linePos(error.pos[0]);
    const message =
      error.code === 'DUPLICATE_KEY' ? `${keyAt(text, error.pos[0])} stands there twice` : error.message;
    return { path: `line ${line}, column ${col}`, message };
  });
  if (problems.length > 0) return { data: undefined, problems, lineOf: () => undefined };

  try {
    const data = document.toJS() as unknown;
    if (holdsItself(data, [])) throw new Error('an alias stands within what it is an alias of');
    return {
      data,
      problems,
      lineOf: (path) => {
        const offset = offsetOf(document, path);
        return offset === undefined ? undefined : lines.linePos(offset).line;
      },
    };
  } catch (error) {
    // Aliases without their anchor, or that multiply without end, are only found when the data is built.
    const message = messageOf(error);
    return { data: undefined, problems: [{ path: '(file)', message }], lineOf: () => undefined };
  }
}

/** Whoever walks through such data, or shows it, would not come to an end. */
function holdsItself(value: unknown, around: readonly object[]): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (around.includes(value)) return true;
  return Object.values(value).some((part) => holdsItself(part, [...around, value]));
}

function keyAt(text: string, offset: number): string {
  const [key = ''] = /^[^:\n]*/.exec(text.slice(offset)) ?? [];
  return key.trim() === '' ? 'a key' : key.trim();
}

function offsetOf(document: Document, path: OptionPath): number | undefined {
  let node: unknown = document.contents;
  let offset: number | undefined;
  for (const key of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (!isMap(node)) break;
    const pair = node.items.find((item) => String(isScalar(item.key) ? item.key.value : item.key) === key);
    if (pair === undefined) break;
    offset = (pair.key as Node).range?.[0] ?? offset;
    node = pair.value;
  }
  return offset;
}
