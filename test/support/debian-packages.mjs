// The servers and programs of Debian that tests use. Node built-ins only.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

/** Debian package -> a file that shows it is there. */
const wanted = {
  'postgresql-15': '/usr/lib/postgresql/15/bin/pgbench',
  'postgresql-15-postgis-3': '/usr/share/postgresql/15/extension/postgis.control',
  'postgresql-15-cron': '/usr/share/postgresql/15/extension/pg_cron.control',
  'python3-psycopg2': '/usr/lib/python3/dist-packages/psycopg2/__init__.py',
  'libpostgresql-jdbc-java': '/usr/share/java/postgresql.jar',
  'default-jdk-headless': '/usr/bin/javac',
  'redis-server': '/usr/bin/redis-server',
  'mariadb-server': '/usr/sbin/mariadbd',
  pgbouncer: '/usr/sbin/pgbouncer',
  faketime: '/usr/bin/faketime',
  chromium: '/usr/lib/chromium/chromium',
  'fonts-dejavu-core': '/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf',
};

const clusterSettings = '/etc/postgresql-common/createcluster.conf';

/**
 * Installs what is missing, as root on Debian; elsewhere, or if that fails, says so and goes on: the tests that need
 * those programs are then skipped, and counted as skipped.
 */
export function installDebianPackages() {
  const missing = Object.keys(wanted).filter((name) => !existsSync(wanted[name]));
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) {
    console.error(`not installed: ${missing.join(', ')}; tests that need them are skipped`);
    return;
  }
  console.error(`installing Debian packages: ${missing.join(', ')}`);
  const isInstalled =
    aptGet('update') &&
    aptGet('install', 'postgresql-common') &&
    withoutMainCluster(() => aptGet('install', ...missing));
  if (!isInstalled) console.error('that failed; tests that need them are skipped');
}

/** PostgreSQL's packages start a server on port 5432 unless told not to; nobody asked for one here. */
function withoutMainCluster(install) {
  const original = readFileSync(clusterSettings, 'utf8');
  writeFileSync(clusterSettings, `${original}\ncreate_main_cluster = false\n`);
  try {
    return install();
  } finally {
    writeFileSync(clusterSettings, original);
  }
}

function aptGet(command, ...packages) {
  const options = command === 'install' ? ['-y', '--no-install-recommends'] : [];
  const { status } = spawnSync('apt-get', ['-q', command, ...options, ...packages], {
    stdio: ['ignore', process.stderr, process.stderr],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
  });
  return status === 0;
}
