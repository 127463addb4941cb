import type { Statement } from './statement-form';

/** Fields whose arrays may lose an item. */
const shortenable: ReadonlySet<string> = new Set([
  ...['queries', 'ctes', 'targets', 'from', 'where', 'on', 'args', 'rows'],
]);
const neverEmpty: ReadonlySet<string> = new Set(['targets', 'queries', 'rows']);
/** Fields that may go. */
const droppable: ReadonlySet<string> = new Set([
  'partedBy',
  'isBare',
  'tail',
  'distinct',
  'groupBy',
  'having',
  'comment',
  'materialized',
]);

/**
 * Makes a statement smaller as long as `fails` stays true: parts are left out, and compounds replaced by one of their
 * parts, until nothing more can go or the attempts are used up.
 */
export async function shrink(
  statement: Statement,
  fails: (statement: Statement) => Promise<boolean>,
  maxAttempts = 400,
): Promise<Statement> {
  let smallest = statement;
  let attempts = 0;
  for (let isSmaller = true; isSmaller;) {
    isSmaller = false;
    for (const candidate of reductions(smallest)) {
      if (++attempts > maxAttempts) return smallest;
      if (!(await fails(candidate as Statement))) continue;
      smallest = candidate as Statement;
      isSmaller = true;
      break;
    }
  }
  return smallest;
}

/** Every tree that is this one with one part less, large parts first. */
function* reductions(node: unknown): Generator {
  if (Array.isArray(node)) {
    for (const [i, item] of node.entries())
      for (const smaller of reductions(item)) yield node.with(i, smaller);
    return;
  }
  if (typeof node !== 'object' || node === null) return;
  yield* replacements(node as Readonly<Record<string, unknown>>);
  for (const [name, value] of Object.entries(node)) {
    if (shortenable.has(name) && Array.isArray(value) && (value.length > 1 || !neverEmpty.has(name)))
      for (let i = value.length - 1; i >= 0; i--) yield { ...node, [name]: value.toSpliced(i, 1) };
    if (droppable.has(name) && value !== undefined && value !== '') {
      const { [name]: _dropped, ...rest } = node as Readonly<Record<string, unknown>>;
      yield name === 'materialized' ? { ...rest, materialized: '' } : rest;
    }
  }
  for (const [name, value] of Object.entries(node))
    for (const smaller of reductions(value)) yield { ...node, [name]: smaller };
}

function replacements(node: Readonly<Record<string, unknown>>): readonly unknown[] {
  switch (node['kind']) {
    case 'statement':
      return node['form'] === 'select' ? [] : [{ ...node, form: 'select' }];
    case 'query': {
      const body = node['body'] as Readonly<Record<string, unknown>>;
      return body['kind'] === 'set' ? (body['branches'] as readonly unknown[]) : [];
    }
    case 'join':
      return [node['left'], node['right']];
    case 'logic':
      return node['args'] as readonly unknown[];
    case 'not':
    case 'is null':
      return [node['arg']];
    default:
      return [];
  }
}
