import type { ReadinessCheck } from './readiness';

/** Does the store of key sets answer? Without it statements go as they came, so clients may be sent here all the same. */
export function cacheCheck(trouble: () => string | undefined): ReadinessCheck {
  return { name: 'cache', isVital: false, run: async () => trouble() };
}
