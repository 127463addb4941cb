import { jobNames, processorJobs } from '../../../src/population/processor/processor-jobs';

const options = {
  schema: { schema: 'the "cache"', tablePrefix: "q ' ", cachePrefix: '' },
  ...{ database: 'places', user: 'pcache', maxJobs: 2, frequencyS: 5 },
};

test('pg_cron that knows minutes only begins jobs that go on for most of one', () => {
  const jobs = processorJobs({ ...options, hasSeconds: false });
  expect(jobs.map(({ schedule, command }) => `${schedule} ${command}`)).toEqual([
    `* * * * * call "the ""cache"""."q ' process_watch"(58)`,
    `* * * * * call "the ""cache"""."q ' process"(1, 58)`,
    `* * * * * call "the ""cache"""."q ' process"(2, 58)`,
  ]);
});

test('pg_cron 1.5 and later begins them every so many seconds, to end when the queue is empty', () => {
  const jobs = processorJobs({ ...options, hasSeconds: true });
  expect(jobs.map(({ schedule, command }) => `${schedule} ${command}`)).toEqual([
    `1 seconds call "the ""cache"""."q ' process_watch"(0)`,
    `5 seconds call "the ""cache"""."q ' process"(1, 0)`,
    `5 seconds call "the ""cache"""."q ' process"(2, 0)`,
  ]);
});

test('each has a name of its own, apart from those of other databases and prefixes', () => {
  const names = [
    ...jobNames(options),
    ...jobNames({ ...options, database: 'others' }),
    ...jobNames({ ...options, schema: { ...options.schema, tablePrefix: 'q' } }),
  ];
  expect(new Set(names).size).toBe(names.length);
  const jobs = processorJobs({ ...options, hasSeconds: false });
  expect(jobs.map(({ name }) => name)).toEqual(jobNames(options).slice(0, 3));
  expect(jobs.every(({ database, user }) => database === 'places' && user === 'pcache')).toBe(true);
});
