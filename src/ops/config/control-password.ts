import { messageOf } from '../../errors/message-of';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { entriesOf, valueAt, type OptionProblem } from './option-path';
import { Secret } from './secret';

export interface Passwords {
  /** By database name; those without are not in it. */
  readonly byDatabase: ReadonlyMap<string, Secret>;
  readonly problems: readonly OptionProblem[];
}

/** Reads every database's control password from where the configuration, checked or not, says it is. */
export function readPasswords(
  data: unknown,
  environment: Readonly<Record<string, string | undefined>>,
  workingDirectory: string,
): Passwords {
  const byDatabase = new Map<string, Secret>();
  const problems: OptionProblem[] = [];
  for (const [name, database] of entriesOf(valueAt(data, ['databases']))) {
    const path = ['databases', name, 'control'];
    const variable = valueAt(database, ['control', 'password_env']);
    const file = valueAt(database, ['control', 'password_file']);
    if (variable !== undefined && file !== undefined) {
      problems.push({ path, message: 'has both password_env and password_file; keep one of them' });
    } else if (typeof variable === 'string' && variable !== '') {
      const value = environment[variable];
      if (value === undefined || value === '') {
        const state = value === undefined ? 'is not set' : 'is empty';
        problems.push({
          path: [...path, 'password_env'],
          message: `the environment variable ${variable} ${state}; it must hold the password of the control role`,
        });
      } else byDatabase.set(name, new Secret(value));
    } else if (typeof file === 'string' && file !== '') {
      try {
        byDatabase.set(
          name,
          new Secret(readFileSync(resolve(workingDirectory, file), 'utf8').replace(/\r?\n$/, '')),
        );
      } catch (error) {
        const reason = messageOf(error);
        problems.push({ path: [...path, 'password_file'], message: `cannot be read: ${reason}` });
      }
    }
  }
  return { byDatabase, problems };
}
