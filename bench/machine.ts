import { cpus } from 'node:os';

/** What figures were measured on; they mean little without it. */
export function describeMachine(): { readonly cpu: string; readonly cores: number; readonly node: string } {
  const [first] = cpus();
  return { cpu: first?.model ?? 'unknown', cores: cpus().length, node: process.version };
}
