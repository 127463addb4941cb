import { z } from 'zod';
import { boundPort, choice, host, says, text } from './option-kinds';

/** open: whoever reaches the port may look. token: only who shows the token. */
export const adminAccesses = ['open', 'token'] as const;
export type AdminAccessMode = (typeof adminAccesses)[number];

export const adminSchema = z
  .strictObject({
    host: host('Address of the page, /metrics, /healthz and /readyz.').default('127.0.0.1'),
    port: boundPort('Port of the page, /metrics, /healthz and /readyz.').default(9127),
    access: choice(
      adminAccesses,
      'Who may look. open: whoever reaches the port. token: who shows the token; /healthz and /readyz stay open.',
    ).default('open'),
    token_env: text(
      'Environment variable that holds the token, 16 characters or more, which everything takes that changes something. Left out together with token_file: nothing can be changed there.',
      'the name of an environment variable',
    ).optional(),
    token_file: text('File that holds it.', 'the name of a file').optional(),
    users: z
      .string()
      .meta(
        says(
          'Roles of the server that may use the console; the server verifies that they are who they say. None: there is no console.',
          'role names separated by commas, or nothing',
        ),
      )
      .default(''),
    console_database: text(
      'Database that clients name to get to the console, in place of one of the server of that name.',
      'the name of a database',
    ).default('pcache'),
    login_database: text(
      'Database of the server that they are logged in to meanwhile [default: the first one under databases, or postgres].',
      'the name of a database',
    ).optional(),
  })
  .prefault({});
