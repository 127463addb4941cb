import { z } from 'zod';
import { proxyModes } from '../../ops/config/config-schema';

const modes = z.enum(proxyModes);
const settings = z.object({
  /** undefined: as configured. */
  mode: modes.optional(),
  /** What the configuration said. */
  configured: modes,
  isPopulationPaused: z.boolean(),
});

/** What an operator has set in a running process, for a successor to go on with. */
export type OperatorSettings = Readonly<z.infer<typeof settings>>;

/** What another version of this program has written may be something else: then all is as configured. */
export function readOperatorSettings(text: string): OperatorSettings | undefined {
  try {
    return settings.safeParse(JSON.parse(text)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
