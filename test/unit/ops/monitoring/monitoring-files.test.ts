import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { forwardReasons } from '../../../../src/ops/metrics/forward-reasons';
import { type MetricDescription, Metrics } from '../../../../src/ops/metrics/metrics';
import { readPromql, type Selector } from '../../../support/promql';
import { parseMetrics } from '../../../support/prometheus-text';

const root = join(__dirname, '../../../..');
const textOf = (path: string): string => readFileSync(join(root, path), 'utf8');

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}
interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

const { groups } = parse(textOf('config/prometheus/alerts.yml')) as {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[];
};
const rules = groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(textOf('config/grafana/dashboards/pcache.json')) as {
  readonly uid: string;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly query: unknown }[] };
};
const targets = dashboard.panels.flatMap(({ targets: own = [] }) => own);
const expressions = [...rules, ...targets].map(({ expr }) => expr);

/** Labels that a scrape adds. */
const ofScrapes = ['instance', 'job'];
/** Series of which Prometheus itself knows. */
const ofPrometheus: MetricDescription = { name: 'up', help: '', type: 'gauge', labels: [] };

async function exported(): Promise<ReadonlyMap<string, MetricDescription>> {
  const metrics = new Metrics({ version: '1' });
  metrics.watchTraffic(() => ({ bytesFromClients: 0, bytesFromUpstream: 0 }));
  const all = [...(await metrics.describe()), ofPrometheus];
  return new Map(
    all.flatMap((each): [string, MetricDescription][] => {
      if (each.type !== 'histogram') return [[each.name, each]];
      const bucket = { ...each, labels: [...each.labels, 'le'] };
      return [
        [`${each.name}_bucket`, bucket],
        [`${each.name}_sum`, each],
        [`${each.name}_count`, each],
      ];
    }),
  );
}

/** What is wrong with the names of an expression, and those of the labels beside it. */
async function wrongNames(expression: string, beside: readonly string[] = []): Promise<readonly string[]> {
  const known = await exported();
  const { selectors, groupedBy } = readPromql(expression);
  const unknown = selectors.filter(({ metric }) => !known.has(metric)).map(({ metric }) => metric);
  const labelsOf = ({ metric }: Selector): readonly string[] => [
    ...(known.get(metric)?.labels ?? []),
    ...ofScrapes,
  ];
  const matched = selectors.flatMap((selector) =>
    selector.matchers
      .filter(({ label }) => !labelsOf(selector).includes(label))
      .map(({ label }) => `${selector.metric}{${label}}`),
  );
  const inAll = (label: string): boolean => selectors.every((each) => labelsOf(each).includes(label));
  const isGone = (label: string): boolean => groupedBy.length > 0 && !groupedBy.includes(label);
  return [
    ...unknown,
    ...matched,
    ...groupedBy.filter((label) => !inAll(label)),
    ...beside.filter((label) => !inAll(label) || isGone(label)).map((label) => `{{ ${label} }}`),
  ];
}

const labelsIn = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, label = '']) => label);

describe('monitoring files', () => {
  test('every metric and label that a panel names is exported', async () => {
    expect(targets.length).toBeGreaterThan(50);
    for (const { expr, legendFormat } of targets)
      expect([expr, await wrongNames(expr, labelsIn(legendFormat, /\{\{\s*(\w+)\s*\}\}/g))]).toEqual([
        expr,
        [],
      ]);
  });

  test('every metric and label that an alert names is exported', async () => {
    expect(rules.length).toBeGreaterThan(10);
    for (const { expr, annotations } of rules) {
      const beside = labelsIn(annotations.summary + annotations.description, /\$labels\.(\w+)/g);
      expect([expr, await wrongNames(expr, beside)]).toEqual([expr, []]);
    }
  });

  test('every value of a label that is looked for is one that the program gives', async () => {
    const series = [...parseMetrics(await new Metrics({ version: '1' }).text()).keys()];
    const given = new Set(series.flatMap((each) => labelsIn(each, /="([^"]*)"/g)));
    for (const each of [...forwardReasons.keys(), 'bypassed', 'left', 'stale', 'ok', 'pcache'])
      given.add(each);
    const wanted = expressions
      .flatMap((expression) => readPromql(expression).selectors.flatMap(({ matchers }) => matchers))
      .filter(({ value }) => value !== '$instance')
      .flatMap(({ operator, value }) => (operator.endsWith('~') ? value.split('|') : [value]));
    expect(wanted.filter((value) => !given.has(value))).toEqual([]);
  });

  test('what an alert watches with increase() or rate() for its first time has a zero before it', async () => {
    const series = [...parseMetrics(await new Metrics({ version: '1' }).text()).keys()];
    const counters = rules
      .flatMap(({ expr }) => readPromql(expr).selectors)
      .map(({ metric }) => metric)
      .filter((metric) => metric.endsWith('_total'));
    expect(counters.filter((name) => !series.some((each) => each.split('{')[0] === name))).toEqual([]);
  });

  test('alerts have each a name of their own, a severity, and say what is the matter', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const { alert, labels, annotations } of rules) {
      expect(alert).toMatch(/^Pcache[A-Z]\w+$/);
      expect(labels.severity).toMatch(/^(critical|warning)$/);
      expect(annotations.summary.length).toBeGreaterThan(10);
      expect(annotations.description).toMatch(/^\S.*[.]$/);
    }
  });

  test('panels have ids of their own, and none covers another', () => {
    const { panels } = dashboard;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(panels.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true);
  });

  test('docker-compose.yml mounts them where Prometheus and Grafana look, under a profile of their own', () => {
    const { services } = parse(textOf('docker-compose.yml')) as {
      readonly services: Readonly<
        Record<
          string,
          {
            readonly profiles?: readonly string[];
            readonly volumes: readonly string[];
            readonly ports: readonly string[];
            readonly environment?: Readonly<Record<string, string>>;
          }
        >
      >;
    };
    const { prometheus, grafana } = services;
    expect([prometheus?.profiles, grafana?.profiles]).toEqual([['monitoring'], ['monitoring']]);
    expect(prometheus?.volumes).toContain('./config/prometheus:/etc/prometheus:ro');
    expect(grafana?.volumes).toContain('./config/grafana/provisioning:/etc/grafana/provisioning:ro');
    expect(grafana?.volumes).toContain('./config/grafana/dashboards:/etc/grafana/dashboards:ro');
    for (const port of [...(prometheus?.ports ?? []), ...(grafana?.ports ?? [])])
      expect(port).toMatch(/^127\.0\.0\.1:/);

    const scrapes = parse(textOf('config/prometheus/prometheus.yml')) as {
      readonly rule_files: readonly string[];
      readonly scrape_configs: readonly {
        readonly job_name: string;
        readonly static_configs: readonly { readonly targets: readonly string[] }[];
      }[];
    };
    expect(scrapes.rule_files).toEqual(['alerts.yml']);
    expect(scrapes.scrape_configs[0]).toMatchObject({
      job_name: 'pcache',
      static_configs: [{ targets: ['pcache:9127'] }],
    });
    expect(services['pcache']?.ports).toContain('127.0.0.1:9127:9127');

    const provider = parse(textOf('config/grafana/provisioning/dashboards/pcache.yml')) as {
      readonly providers: readonly { readonly options: { readonly path: string } }[];
    };
    expect(provider.providers[0]?.options.path).toBe('/etc/grafana/dashboards');
    expect(grafana?.environment?.['GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH']).toBe(
      '/etc/grafana/dashboards/pcache.json',
    );
    const source = parse(textOf('config/grafana/provisioning/datasources/prometheus.yml')) as {
      readonly datasources: readonly { readonly url: string }[];
    };
    expect(source.datasources[0]?.url).toBe('http://prometheus:9090');
  });
});

describe('readPromql', () => {
  test('finds metrics, matchers and what is grouped by', () => {
    expect(
      readPromql('0.5 * sum by (le, job) (rate(a_bucket{x=~"b|c", y!="\\"}"}[5m])) > on (job) max(d)'),
    ).toEqual({
      selectors: [
        {
          metric: 'a_bucket',
          matchers: [
            { label: 'x', operator: '=~', value: 'b|c' },
            { label: 'y', operator: '!=', value: '"}' },
          ],
        },
        { metric: 'd', matchers: [] },
      ],
      groupedBy: ['le', 'job', 'job'],
    });
  });

  test.each(['sum(a', 'sum a)', 'a{x=b}', 'a{x="b"', 'rate a', 'a[5y]', 'by a', '{x="y"}', 'a ; b'])(
    'refuses: %s',
    (expression) => {
      expect(() => readPromql(expression)).toThrow(/ in /);
    },
  );

  test.each([
    ['rate(pcache_nothing_total[5m])', ['pcache_nothing_total']],
    ['pcache_plan_seconds', ['pcache_plan_seconds']],
    ['pcache_connections{outcome="hit"}', ['pcache_connections{outcome}']],
    ['sum by (method) (pcache_connections)', ['method']],
  ])('finds what is wrong in %s', async (expression, wrong) => {
    expect(await wrongNames(expression)).toEqual(wrong);
  });

  test('finds a label in a text that the expression has lost', async () => {
    expect(await wrongNames('sum by (job) (pcache_connections)', ['instance'])).toEqual(['{{ instance }}']);
  });
});
