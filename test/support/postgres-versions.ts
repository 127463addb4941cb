import { hasPostgresBinaries, type PostgresBinaries } from './postgres-binaries';

const versions: Readonly<Record<PostgresBinaries, string>> = {
  embedded: 'PostgreSQL 18',
  debian15: 'PostgreSQL 15',
};

/** Describes the same for PostgreSQL 18 and for 15, or for those given; skipped where Debian's package is not there. */
export function describeVersions(
  title: string,
  body: (binaries: PostgresBinaries) => void,
  among: readonly PostgresBinaries[] = ['embedded', 'debian15'],
): void {
  for (const binaries of among) {
    const version = versions[binaries];
    if (hasPostgresBinaries(binaries)) describe(`${title}, ${version}`, () => body(binaries));
    else describe.skip(`${title}, ${version} (skipped: it is not installed)`, () => body(binaries));
  }
}

/** The title of a suite that needs a program; a skipped suite says why. */
export function describeWith(program: string, path: string | undefined, body: (path: string) => void): void {
  if (path !== undefined) describe(program, () => body(path));
  else describe.skip(`${program} (skipped: it is not installed)`, () => body(''));
}
