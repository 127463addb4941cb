import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HttpReply } from '../http-reply';

/** `web`, seen from src/ops/admin/page and from dist/ops/admin/page alike. */
const directory = join(__dirname, '..', '..', '..', '..', 'web');

const contentTypes: Readonly<Record<string, string>> = {
  'page.css': 'text/css; charset=utf-8',
  'page.js': 'text/javascript; charset=utf-8',
  'icon.svg': 'image/svg+xml',
};

/** What the page needs beside itself, by path; read at the start, for a file that is missing is to be noticed then. */
export function staticFiles(): ReadonlyMap<string, HttpReply> {
  return new Map(
    Object.entries(contentTypes).map(([name, contentType]) => [
      `/${name}`,
      { status: 200, contentType, body: readFileSync(join(directory, name), 'utf8') },
    ]),
  );
}
