import type {
  BlockExplanation,
  ClassExplanation,
  Explanation,
  FragmentExplanation,
  RestrictedForm,
} from './explanation';

export interface TextOptions {
  /** Also: hashes in full, the SQL of fragments, conditions that are not used, and all keys of the rewritten text. */
  readonly isVerbose: boolean;
}

/** Longer lists of keys are cut, unless one asks to see all, and so are hashes. */
const maxKeyList = 60;
const shortHash = 16;

/** An explanation as lines for people, indented as PostgreSQL indents plans. */
export function renderText(explanation: Explanation, { isVerbose }: TextOptions): readonly string[] {
  const { mode, reason, coverage, blocks, fingerprint, restricted } = explanation;
  return [
    reason === undefined ? 'pcache: restricted' : `pcache: left as it is: ${reason}`,
    ...(mode === 'on' ? [] : [`  Mode: ${mode}`]),
    ...(restricted === undefined ? [] : [`  Method: ${restricted.method}`, `  Why: ${restricted.why}`]),
    ...(coverage === 'partial' && blocks.some(hasMisses) ? ['  Known: not all fragments yet'] : []),
    ...(isVerbose && fingerprint !== undefined ? [`  Fingerprint: ${fingerprint}`] : []),
    ...blocks.flatMap((block, i) => blockLines(block, i + 1, explanation, isVerbose)),
    ...(restricted === undefined
      ? []
      : ['Rewritten:', ...indented(isVerbose ? restricted.text : shortened(restricted))]),
  ];
}

function hasMisses({ classes }: BlockExplanation): boolean {
  return classes.some(({ fragments }) => fragments.some(({ status }) => status !== 'hit'));
}

function blockLines(
  { words, tables, reason, classes, leftOut }: BlockExplanation,
  number: number,
  { reason: reasonOfAll }: Explanation,
  isVerbose: boolean,
): readonly string[] {
  const what = reason !== undefined ? `left as it is: ${reason}` : outcome(reasonOfAll);
  return [
    `  Block ${number}: ${what}`,
    ...(words === '' ? [] : [`    Text: ${words}`]),
    ...(tables.length === 0 ? [] : [`    Tables: ${tables.join(', ')}`]),
    ...classes.flatMap((keyClass) => classLines(keyClass, isVerbose)),
    ...(isVerbose ? leftOut.map((condition) => `    Condition not used: ${condition}`) : []),
  ];
}

function outcome(reasonOfAll: string | undefined): string {
  return reasonOfAll === undefined ? 'restricted' : 'could be restricted';
}

function classLines(
  { partitionKey, columns, keysKept, totalKeys, fragments }: ClassExplanation,
  isVerbose: boolean,
): readonly string[] {
  const all = totalKeys === undefined ? '' : ` of ${totalKeys}`;
  const kept = keysKept === undefined ? '' : `, ${keysKept}${all} keys kept`;
  return [
    `    Key ${partitionKey}: ${columns.join(' = ')}${kept}`,
    ...fragments.flatMap((fragment) => [
      `      Fragment ${isVerbose ? fragment.hash : fragment.hash.slice(0, shortHash)}: ${fragmentState(fragment)}`,
      ...(isVerbose ? [`        ${fragment.sql}`] : []),
    ]),
  ];
}

function fragmentState({ status, keyCount, retryAt }: FragmentExplanation): string {
  if (status === 'hit') return `hit, ${keyCount ?? 0} keys`;
  if (retryAt === undefined) return `miss, ${status}`;
  const when = Number.isFinite(retryAt) ? `not before ${new Date(retryAt).toISOString()}` : 'never';
  return `miss, ${status}, tried again ${when}`;
}

/** The rewritten text with long lists of keys cut: a text of 100,000 keys is none to read. */
function shortened({ text, insertions }: RestrictedForm): string {
  return insertions.reduce(
    (shown, insertion) => shown.replace(insertion.text, () => insertion.text.replaceAll(keyList, cutList)),
    text,
  );
}

/** An array constant of ours. */
const keyList = /'\{((?:[^']|'')*)\}'/g;

function cutList(list: string, keys: string): string {
  return keys.length > maxKeyList ? `'{${keys.slice(0, maxKeyList)} ...}'` : list;
}

function indented(text: string): readonly string[] {
  return text.split(/\r\n|\r|\n/).map((line) => `  ${line}`);
}
