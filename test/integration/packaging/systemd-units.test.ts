import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '../../support/temporary-directory';

const folder = join(__dirname, '../../../config/systemd');
const files = readdirSync(folder);
const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;

const title = 'systemd finds nothing wrong with the units';
(hasSystemd ? test : test.skip)(
  hasSystemd ? title : `${title} (skipped: there is no systemd-analyze)`,
  async () => {
    expect(files.sort()).toEqual(['pcache-observer.service', 'pcache.service', 'pcache.socket']);
    await using directory = await temporaryDirectory('units');
    for (const file of files) {
      // The program is not installed here.
      const unit = readFileSync(join(folder, file), 'utf8').replaceAll('/usr/bin/node', process.execPath);
      writeFileSync(join(directory.path, file), unit);
    }
    const paths = files.map((file) => join(directory.path, file));
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...paths], {
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([0, '']);
  },
);
