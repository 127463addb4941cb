import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The version in package.json, which lies two folders up from dist/cli as from src/cli. */
export function readVersion(): string {
  const file = join(__dirname, '..', '..', 'package.json');
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string };
  return version;
}
