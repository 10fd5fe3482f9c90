import { tools as marketTools } from '../../market/tools/catalogue.generated.ts';
import { soloCrewId } from '../../crew/run/solo.ts';
import type { DeskConfig } from '../config.ts';

const MARKET_TOOLS: ReadonlySet<string> = new Set(marketTools.map((tool) => tool.name));

/**
 * Whether an agent or a task of these crews has a tool of the market half; a crew without needs no collector. An agent
 * alone is a crew of one (`soloCrewId`).
 */
export function needsMarket(config: Pick<DeskConfig, 'crews' | 'agents' | 'tasks'>, crews: readonly string[]): boolean {
  const chosen = config.crews.filter(({ id }) => crews.includes(id));
  const agents = new Set(chosen.flatMap((crew) => crew.agents));
  const alone = (id: string): boolean => crews.includes(soloCrewId(id));
  const tasks = new Set(chosen.flatMap((crew) => crew.tasks));
  const holders = [
    ...config.agents.filter(({ id }) => agents.has(id) || alone(id)),
    ...config.tasks.filter(({ id }) => tasks.has(id)),
  ];
  return holders.some(({ tools }) => (tools ?? []).some((name) => MARKET_TOOLS.has(name)));
}
