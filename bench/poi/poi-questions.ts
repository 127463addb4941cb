/** A question about points of interest: a self-join of the seeds' kind. */
export interface PoiQuestion {
  readonly name: string;
  readonly key: 'zip' | 'district';
  readonly sql: string;
  /** The conditions on each of its tables alone. */
  readonly parts: readonly string[];
}

interface Sought {
  /** Condition on one place, whose alias is `$`. */
  readonly is: string;
  /** Metres from the first place. */
  readonly within?: number;
}

function question(name: string, key: PoiQuestion['key'], ...sought: readonly Sought[]): PoiQuestion {
  const aliases = ['a', 'b', 'c'].slice(0, sought.length);
  const alias = (i: number): string => aliases[i] ?? '';
  const parts = sought.map(({ is }, i) => is.replaceAll('$', () => alias(i)));
  const joins = sought.slice(1).map(({ within = 0 }, i) => {
    const other = alias(i + 1);
    return `${other}.${key} = ${alias(i)}.${key} and st_dwithin(a.geom, ${other}.geom, ${within})`;
  });
  return {
    name,
    key,
    sql: `select ${aliases.map((each) => `${each}.id, ${each}.name`).join(', ')}
  from ${aliases.map((each) => `poi ${each}`).join(', ')}
 where ${[...joins, ...parts].join('\n   and ')}`,
    parts: parts.map((part, i) => `select ${alias(i)}.id from poi ${alias(i)} where ${part}`),
  };
}

/** Every one has something that no index answers, as people's questions do. */
export const poiQuestions: readonly PoiQuestion[] = [
  question(
    'ice cream, discount supermarket, pharmacy',
    'zip',
    { is: `$.kind = 'ice_cream'` },
    { is: `$.kind = 'discount_supermarket'`, within: 300 },
    { is: `$.kind = 'pharmacy'`, within: 400 },
  ),
  question(
    'the same, by name, open all hours',
    'zip',
    { is: `$.name ilike '%eiscaf%'` },
    { is: `$.name ilike '%discount%' and $.opening_hours = '24/7'`, within: 300 },
    { is: `$.name ilike '%apotheke%'`, within: 400 },
  ),
  question(
    'hospital, hotel for wheelchairs, small pharmacy',
    'zip',
    { is: `$.kind = 'hospital'` },
    { is: `$.kind = 'hotel' and $.wheelchair`, within: 300 },
    { is: `$.kind = 'pharmacy' and $.seats < 5`, within: 500 },
  ),
  question(
    'theatre, large restaurant, charging station',
    'zip',
    { is: `$.kind = 'theatre'` },
    { is: `$.kind = 'restaurant' and $.seats > 120`, within: 300 },
    { is: `$.kind = 'charging_station'`, within: 300 },
  ),
  question(
    'casino next to a school and a kindergarten',
    'zip',
    { is: `$.kind = 'casino'` },
    { is: `$.kind = 'school' and $.seats > 50`, within: 200 },
    { is: `$.kind = 'kindergarten'`, within: 250 },
  ),
  question(
    'two cinemas side by side',
    'zip',
    { is: `$.kind = 'cinema' and $.seats > 60` },
    { is: `$.name ilike '%lichtspiele%' and $.seats < 20`, within: 300 },
  ),
  question(
    'museum, library, bicycle shop in a district',
    'district',
    { is: `$.kind = 'museum' and $.seats > 120` },
    { is: `$.kind = 'library' and $.wheelchair`, within: 200 },
    { is: `$.kind = 'bicycle_shop'`, within: 300 },
  ),
  question(
    'casino, theatre, hospital in a district',
    'district',
    { is: `$.kind = 'casino'` },
    { is: `$.kind = 'theatre'`, within: 400 },
    { is: `$.kind = 'hospital'`, within: 600 },
  ),
];
