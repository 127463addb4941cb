import { readFileSync } from 'node:fs';
import { parseUserFile } from './parse-user-file';
import { type ProxyLog } from '../proxy-log';

/** SCRAM verifiers in a file of PgBouncer's form. */
export class UserFile {
  private verifiers: ReadonlyMap<string, string>;

  /** Reads the file; throws what reading throws, and an Error that names every line that is wrong. */
  constructor(
    private readonly path: string,
    private readonly log: ProxyLog,
  ) {
    this.verifiers = read(path);
  }

  find(user: string): string | undefined {
    return this.verifiers.get(user);
  }

  /** Reads the file again. If it is no good, what was read before stays, and the log says so. */
  reload(): void {
    try {
      this.verifiers = read(this.path);
      this.log.info({ file: this.path, roles: this.verifiers.size }, 'the user file was read again');
    } catch (error) {
      this.log.error({ err: error }, 'the new user file cannot be used; what was read before stays');
    }
  }
}

function read(path: string): ReadonlyMap<string, string> {
  const { verifiers, problems } = parseUserFile(readFileSync(path, 'utf8'));
  if (problems.length > 0) {
    const lines = problems.map(({ line, message }) => `  line ${String(line)}: ${message}`);
    throw new Error([`${path}:`, ...lines].join('\n'));
  }
  return verifiers;
}
