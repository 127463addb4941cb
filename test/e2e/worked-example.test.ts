import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { argumentsOf } from '../../src/cli/program-names';
import { CliSession } from '../support/cli-session';
import { hasPgCron, startCronServer } from '../support/cron-server';
import { PcacheProcess } from '../support/pcache-process';
import type { PostgresServer } from '../support/postgres-server';
import { until } from '../support/until';

const project = join(__dirname, '../..');
const run = promisify(execFile);
const canRun = hasPgCron && existsSync('/usr/share/postgresql/15/extension/postgis.control');

/** A command of the example, and what README.md says it prints. */
interface Step {
  readonly command: string;
  readonly printed: readonly string[];
}

/** The commands of README.md's worked example, in their order. */
function steps(): readonly Step[] {
  const readme = readFileSync(join(project, 'README.md'), 'utf8');
  const [, section = ''] = readme.split('\n### A worked example');
  const [text = ''] = section.split(/\n#{2,3} /);
  const blocks = [...text.matchAll(/```bash\n([^]*?)```/g)];
  const found: { command: string; printed: string[] }[] = [];
  for (const line of blocks.flatMap(([, block = '']) => block.split('\n'))) {
    if (line.startsWith('# ')) found.at(-1)?.printed.push(line.slice(2).trim());
    else if (line.trim() !== '') found.push({ command: line.replace(/ {2,}# .*$/, ''), printed: [] });
  }
  return found;
}

(canRun ? describe : describe.skip)(
  'the worked example of README.md (needs Debian postgresql-15-postgis-3 and postgresql-15-cron)',
  () => {
    let server: PostgresServer;
    let environment: Record<string, string>;
    let cli: CliSession;
    let proxy: PcacheProcess | undefined;
    let port = 0;
    beforeAll(async () => {
      server = await startCronServer();
      const { host, port: own, user, password } = server.connectionOptions('postgres');
      environment = {
        ...{ DB_HOST: host, DB_PORT: String(own), DB_USER: user, DB_PASSWORD: password, DB_NAME: 'poi' },
        ...{
          CACHE_BACKEND: 'postgresql_array',
          QUERY_QUEUE_PROVIDER: 'postgresql',
          PCACHE_LOG_LEVEL: 'info',
        },
        ...{ PCACHE_LISTEN_PORT: '0', PCACHE_ADMIN_PORT: '0' },
        ...{ PGHOST: host, PGPORT: String(own), PGUSER: user, PGPASSWORD: password },
      };
      cli = new CliSession({ ...environment, PCACHE_LOG_LEVEL: 'warn' }, project);
    });
    afterAll(async () => {
      await proxy?.[Symbol.asyncDispose]();
      await cli[Symbol.asyncDispose]();
      await server.stop();
    });

    /** Runs it, and resolves to what it prints; a command that fails rejects. */
    async function output(command: string): Promise<string> {
      const words = command.split(' ');
      const [program = ''] = words;
      if (!program.startsWith('pcache')) {
        // What README.md says for a server of one's own is this server's here; the rest of the line stays.
        const line = command.replace('-p 6432', `-p ${port}`);
        const { stdout } = await run('/bin/bash', ['-c', line], {
          cwd: project,
          env: { ...process.env, ...environment, PATH: `/usr/lib/postgresql/15/bin:${process.env['PATH']}` },
        });
        return stdout;
      }
      if (words.at(-1) === '&') {
        proxy = new PcacheProcess(words.slice(1, -1), { environment });
        const entry = await proxy.logged('accepting connections');
        port = (entry['listen'] as { port: number }).port;
        await proxy.logged('what is cached is known');
        return '';
      }
      const { code, stdout, stderr } = await cli.run(
        argumentsOf(['node', `/usr/bin/${program}`, ...words.slice(1)]),
      );
      if (code !== 0) throw new Error(`${command}: ${stderr}`);
      return stdout;
    }

    test('every command runs, and prints what it says there', async () => {
      const all = steps();
      expect(all.length).toBeGreaterThan(12);
      for (const { command, printed } of all) {
        if (command.startsWith('export ')) {
          const names = [...command.matchAll(/(\w+)=/g)].map(([, name = '']) => name);
          expect(Object.keys(environment)).toEqual(expect.arrayContaining(names));
          continue;
        }
        // Only what a proxy that has just begun knows already may take a moment; rows are right from the first.
        const isAsked = command.includes('explain (pcache)');
        const text = isAsked
          ? await until('the statement is restricted', async () => {
              const plan = await output(command);
              return plan.includes('pcache: restricted') ? plan : undefined;
            })
          : await output(command);
        for (const line of printed) expect(`${command}\n${text}`).toContain(line);
      }
    });
  },
);
