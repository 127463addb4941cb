import { SessionPlaces, type SessionCeilings } from '../../../../src/proxy/entrance/session-places';
import { type StartupMessage } from '../../../../src/wire/startup/startup-message';

function startup(parameters: Readonly<Record<string, string>>): StartupMessage {
  return {
    kind: 'StartupMessage',
    majorVersion: 3,
    minorVersion: 0,
    parameters: new Map(Object.entries(parameters)),
  };
}

function placesWith(ceilings: Partial<SessionCeilings>): SessionPlaces {
  return new SessionPlaces({
    ...{ maxSessions: 100, maxSessionsPerDatabase: 0, maxSessionsPerUser: 0 },
    maxSessionsOfDatabases: new Map(),
    ...ceilings,
  });
}

describe('SessionPlaces', () => {
  test('a place is given back once, however often it is disposed of', () => {
    const places = placesWith({ maxSessionsPerUser: 2 });
    const take = () => places.take(startup({ user: 'ann' }), 1);
    const [first] = [take(), take()];
    expect(take()).toEqual({ kind: 'none', limit: 'user', name: 'ann' });
    if (first?.kind === 'place') for (let i = 0; i < 3; i++) first[Symbol.dispose]();
    expect(take().kind).toBe('place');
    expect(take().kind).toBe('none');
  });

  test('one that the user has no place for takes none of the database', () => {
    const places = placesWith({ maxSessionsPerDatabase: 2, maxSessionsPerUser: 1 });
    const take = (user: string) => places.take(startup({ user, database: 'places' }), 1).kind;
    expect(['ann', 'ann', 'ann', 'bob', 'eve'].map(take)).toEqual(['place', 'none', 'none', 'place', 'none']);
  });

  test('the database is by default the one named like the user', () => {
    const places = placesWith({ maxSessionsPerDatabase: 1 });
    expect(places.take(startup({ user: 'ann' }), 1).kind).toBe('place');
    expect(places.take(startup({ user: 'bob', database: 'ann' }), 1)).toMatchObject({ limit: 'database' });
  });

  test('names are those the server sees: 63 bytes of them', () => {
    const places = placesWith({ maxSessionsPerUser: 1 });
    const [long, umlauts] = ['x'.repeat(63), 'ü'.repeat(32)];
    expect(places.take(startup({ user: `${long}y` }), 1).kind).toBe('place');
    expect(places.take(startup({ user: `${long}z` }), 1).kind).toBe('none');
    expect(places.take(startup({ user: `${umlauts}1` }), 1).kind).toBe('place');
    expect(places.take(startup({ user: `${umlauts}2` }), 1).kind).toBe('none');
    expect(places.take(startup({ user: 'x'.repeat(62) }), 1).kind).toBe('place');
  });

  test('names nobody has a session of are forgotten', () => {
    const places = placesWith({ maxSessionsPerUser: 1 });
    for (let i = 0; i < 1_000; i++) {
      const place = places.take(startup({ user: `user ${i}` }), 1);
      if (place.kind === 'place') place[Symbol.dispose]();
    }
    expect(Object.values(places).map((part: unknown) => (part instanceof Map ? part.size : 0))).not.toContain(
      1_000,
    );
  });

  test('a packet that names nobody counts among all, which are asked first', () => {
    const places = placesWith({ maxSessions: 1, maxSessionsPerUser: 1 });
    expect(places.take(undefined, 1).kind).toBe('place');
    expect(places.take(undefined, 2)).toEqual({ kind: 'none', limit: 'all', name: '' });
    expect(places.take(startup({ user: 'ann' }), 2)).toMatchObject({ limit: 'all' });
  });
});
