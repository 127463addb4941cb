import type { ReadinessCheck } from './readiness';

/** Do all workers take clients? While some do, clients may be sent here all the same. */
export function workersCheck(wanted: number, serving: () => number): ReadinessCheck {
  return {
    name: 'workers',
    get isVital() {
      return serving() === 0;
    },
    run: async () => (serving() < wanted ? `${serving()} of ${wanted} workers take clients` : undefined),
  };
}
