import { packages } from '../../package-lock.json';

interface LockedPackage {
  readonly version?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/**
 * `npm ci` refuses a lock file that does not name the packages of all platforms. npm drops those that its registry does
 * not have, which happens behind mirrors: restore the lines it removed.
 */
test('package-lock.json names the packages of every platform', () => {
  const locked = new Map<string, LockedPackage>(Object.entries(packages));
  const missing = [...locked].flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => !locked.has(`node_modules/${name}`) && !locked.has(`${path}/node_modules/${name}`),
    ),
  );
  expect(missing).toEqual([]);
});

test('package-lock.json holds no address of a registry', () => {
  expect([...Object.values(packages)].filter((entry) => 'resolved' in entry)).toEqual([]);
});
