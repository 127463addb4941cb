import { z } from 'zod';
import { milliseconds, says } from './option-kinds';

/** The section `verify` of the configuration file, for `mode: verify`. */
export const verifySchema = z
  .strictObject({
    share: z
      .number()
      .min(0)
      .max(1)
      .meta(
        says(
          'Share of the restricted statements after which both forms are run in one snapshot and their results compared, with mode: verify. One at a time: what comes meanwhile is left out.',
          'a number from 0 to 1',
        ),
      )
      .default(0.01),
    timeout_ms: milliseconds(1, 'For each of the two forms; what takes longer is not verified.').default(
      60_000,
    ),
  })
  .prefault({});
