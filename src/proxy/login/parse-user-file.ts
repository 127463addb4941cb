import { parseScramVerifier } from '../../wire/scram/scram-verifier';

/** What is wrong with one line; never quotes a secret. */
export interface UserFileProblem {
  readonly line: number;
  readonly message: string;
}

export interface ParsedUserFile {
  /** SCRAM verifiers by role name. */
  readonly verifiers: ReadonlyMap<string, string>;
  readonly problems: readonly UserFileProblem[];
}

const quoted = '"((?:[^"]|"")*)"';
const entry = new RegExp(`^\\s*${quoted}\\s*${quoted}(?:\\s.*)?$`);
const wanted = "put the role's rolpassword of pg_authid here";

/**
 * Reads PgBouncer's userlist.txt: `"role" "SCRAM verifier"` on each line, a quote inside written twice, the rest of a line
 * ignored, and lines that begin with a semicolon. All problems are found at once.
 */
export function parseUserFile(text: string): ParsedUserFile {
  const verifiers = new Map<string, string>();
  const lines = new Map<string, number>();
  const problems: UserFileProblem[] = [];
  for (const [index, content] of text.split(/\r?\n/).entries()) {
    if (content.trim() === '' || content.trimStart().startsWith(';')) continue;
    const line = index + 1;
    const [, role = '', secret] = (entry.exec(content) ?? []).map((field) => field.replaceAll('""', '"'));
    const before = lines.get(role);
    const message =
      secret === undefined
        ? 'expected "role" "SCRAM verifier", both in double quotes'
        : before === undefined
          ? problemOf(role, secret)
          : `the role ${JSON.stringify(role)} stands in line ${String(before)} already`;
    if (message !== undefined) problems.push({ line, message });
    else if (secret !== undefined) verifiers.set(role, secret);
    if (before === undefined) lines.set(role, line);
  }
  return { verifiers, problems };
}

function problemOf(role: string, secret: string): string | undefined {
  if (role === '') return 'the name of the role is empty';
  if (parseScramVerifier(secret) !== undefined) return undefined;
  const name = JSON.stringify(role);
  if (secret === '') return `${name} has no password; leave the line out, or ${wanted}`;
  if (/^md5[0-9a-f]{32}$/.test(secret)) {
    return (
      `${name} has an MD5 password, by which SCRAM cannot be verified; set it anew with ` +
      `password_encryption = 'scram-sha-256', then ${wanted}`
    );
  }
  return secret.startsWith('SCRAM-SHA-256$')
    ? `the SCRAM verifier of ${name} is damaged; ${wanted}`
    : `${name} has a plain password, which need not lie in a file; ${wanted}`;
}
