import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { scanTokens } from '../../src/query/ast/scan';
import { postgresBinaryDirectory } from './postgres-binaries';

/** A file of real SQL that some package brought, or that is ours. */
export interface SqlFile {
  readonly name: string;
  readonly text: string;
}

/**
 * SQL that was not written to be read by us: the views of PostgreSQL's system catalogs and information schema, the scripts of its
 * extensions, and what else is found where PostgreSQL keeps such files.
 */
export function sqlCorpus(maxFileBytes = 400_000): readonly SqlFile[] {
  const share = join(dirname(postgresBinaryDirectory('embedded')), 'share', 'postgresql');
  const directories = [
    share,
    join(share, 'extension'),
    '/usr/share/postgresql/15',
    '/usr/share/postgresql/15/extension',
  ];
  const byName = new Map<string, SqlFile>();
  for (const directory of directories) {
    const names = existsSync(directory) ? readdirSync(directory) : [];
    for (const name of names.filter((file) => file.endsWith('.sql')).sort()) {
      const text = readFileSync(join(directory, name), 'utf8');
      // Upgrade scripts of some extensions are megabytes of the same again.
      if (text.length <= maxFileBytes) byName.set(name, { name, text: withoutPsql(text) });
    }
  }
  return [...byName.values()];
}

/** The statements of a file, cut at the semicolons that stand outside of parentheses and function bodies. */
export function statementsOfFile({ text }: SqlFile): readonly string[] {
  const statements: string[] = [];
  const bytes = Buffer.from(text);
  let from = 0;
  let depth = 0;
  let isAtomic = false;
  for (const token of scanTokens(text)) {
    if (token.text === '(') depth++;
    if (token.text === ')') depth--;
    if (token.tokenName === 'WORD' && /^atomic$/i.test(token.text)) isAtomic = true;
    if (isAtomic && token.tokenName === 'WORD' && /^end$/i.test(token.text)) isAtomic = false;
    if (token.text !== ';' || depth > 0 || isAtomic) continue;
    statements.push(bytes.subarray(from, token.start).toString().trim());
    from = token.end;
  }
  return [...statements, bytes.subarray(from).toString().trim()].filter((statement) => statement !== '');
}

/** Without commands of psql, and with names for what CREATE EXTENSION fills in. */
function withoutPsql(text: string): string {
  return text
    .replace(/^\\.*$/gm, '')
    .replaceAll('@extschema@', 'public')
    .replace(/@extschema:\w+@/g, 'public');
}
