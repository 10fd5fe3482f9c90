import { namedVariables } from '../../crew/config/environment.ts';
import type { SystemConfig } from '../../crew/config/system-schema.ts';

/** Variables whose values are secrets whatever they are called: those that the configuration points to. */
export function secretVariables(system: SystemConfig): readonly string[] {
  return [...namedVariables(system), ...Object.values(system.mcp_servers).flatMap((server) => server.env)];
}
