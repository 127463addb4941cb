import { listConfigOptions } from '../../../../src/ops/config/config-options';
import { checkConfig } from '../../../../src/ops/config/check-config';
import { readConfig } from '../../../../src/ops/config/read-config';
import { showConfig } from '../../../../src/ops/config/show-config';

const sources = { source: 'f', environment: { P: 'sesame' }, workingDirectory: '/' };
const text = `
log: { level: debug }
databases:
  places:
    control: { user: pcache, password_env: P }
    partition_keys:
      region: { datatype: integer, consistency: static, tables: { public.place: region_id } }
`;

describe('listConfigOptions', () => {
  const options = listConfigOptions();

  test('says of each option what it is for and what it takes', () => {
    for (const { name, description, expects } of options) {
      expect([name, description]).toEqual([name, expect.stringMatching(/^\S.*\.$/s)]);
      expect([name, expects]).not.toEqual([name, 'a value']);
    }
  });

  test('knows defaults, what is required, and variables', () => {
    const byName = new Map(options.map((option) => [option.name, option]));
    expect(byName.get('listen.port')).toMatchObject({
      kind: 'number',
      default: 6432,
      isRequired: false,
      environmentVariable: 'PCACHE_LISTEN_PORT',
    });
    expect(byName.get('databases.<name>.control.user')).toMatchObject({
      kind: 'text',
      default: undefined,
      isRequired: true,
      environmentVariable: undefined,
    });
    expect(byName.has('databases.<name>.partition_keys.<key>.tables.<schema.table>')).toBe(true);
  });

  test('every default outside databases passes its own check, and what has none is optional', () => {
    const environment = Object.fromEntries(
      options.flatMap((option) =>
        option.environmentVariable === undefined || option.default === undefined
          ? []
          : [[option.environmentVariable, String(option.default)]],
      ),
    );
    expect(options.filter(({ path, isRequired }) => isRequired && path[0] !== 'databases')).toEqual([]);
    const config = readConfig('', { ...sources, environment });
    expect(config).toEqual(readConfig('', sources));
  });
});

describe('showConfig', () => {
  const flags = [{ name: 'mode', value: 'off', origin: '--mode' }];
  const environment = { ...sources.environment, PCACHE_LISTEN_PORT: '7000' };
  const shown = showConfig(checkConfig(text, { ...sources, environment, flags }));

  test('tells where each value came from, and no secret', () => {
    expect(shown).toContain('mode: off # --mode');
    expect(shown).toContain('port: 7000 # PCACHE_LISTEN_PORT');
    expect(shown).toMatch(/level: debug$/m);
    expect(shown).toContain('format: json # default');
    expect(shown).toContain('max_key_share: 0.5 # default');
    expect(shown).toContain('password_env: P');
    expect(shown).not.toContain('sesame');
  });

  test('is a configuration that means the same', () => {
    expect(readConfig(shown, sources)).toEqual(readConfig(text, { ...sources, environment, flags }));
  });
});
