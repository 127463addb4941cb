import { z } from 'zod';
import { choice, remotePort, serverHost, text } from './option-kinds';

/** Where fragments can be run, if not on the database itself. */
export const sourceKinds = ['standby', 'mysql', 'sqlite'] as const;

/** The section `source` of a database. Which options each kind takes is in source-checks.ts. */
export const sourceSchema = z
  .strictObject({
    kind: choice(
      sourceKinds,
      'Where fragments are run, if not on the database itself. standby: a streaming standby of it. mysql, sqlite: a copy of the data on a MySQL or MariaDB server, or in an SQLite file, for keys with consistency static.',
    ),
    host: serverHost(
      'Host of the standby or the MySQL server, or the directory or path of its unix socket.',
    ).optional(),
    port: remotePort('Its port [default: that of the control connections; 3306 for mysql].').optional(),
    user: text(
      'User of the MySQL server; a standby is connected to as the control role.',
      'the name of a user',
    ).optional(),
    password_env: text(
      'Environment variable that holds the password of that user.',
      'the name of an environment variable',
    ).optional(),
    password_file: text('File that holds it.', 'the name of a file').optional(),
    database: text('Database of the MySQL server that holds the copy.', 'the name of a database').optional(),
    path: text('The SQLite file.', 'the name of a file').optional(),
    schema: text(
      'Schema whose tables are in the copy, under the same names [default: public].',
      'the name of a schema',
    ).optional(),
  })
  .meta({ expects: 'a mapping with kind and what it takes' });
