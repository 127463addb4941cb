import type { ReadinessCheck } from './readiness';

/** Is anything in the way of restricting a database's statements? They go as they came, so clients may be sent here all the same. */
export function engineCheck(
  database: string,
  engine: { readonly trouble: string | undefined },
): ReadinessCheck {
  return { name: `database ${database}`, isVital: false, run: async () => engine.trouble };
}
