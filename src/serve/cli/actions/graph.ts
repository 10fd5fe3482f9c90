import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { NotFound } from '../../../kit/errors.ts';
import { didYouMean } from '../../../kit/nearest.ts';
import { contextOf } from '../context.ts';
import { printJson } from '../print.ts';

/** `crew graph` */
export async function drawCrew(id: string, command: Command): Promise<void> {
  const { output, options } = contextOf(command);
  const { svg } = command.opts<{ svg?: string }>();
  const { loadDeskConfig } = await import('../../config.ts');
  const { loadCrewCode } = await import('../../runtime/modules.ts');
  const { crewDrawing, drawingMermaid, drawingSvg } = await import('../../../crew/index.ts');
  const config = await loadDeskConfig(options);
  const crew = config.crews.find((one) => one.id === id);
  const ids = config.crews.map((one) => one.id);
  if (crew === undefined)
    throw new NotFound(`there is no crew '${id}'${didYouMean(id, ids)}; crews: ${ids.join(', ')}`);
  const drawing = crewDrawing(crew, {
    tasks: Object.fromEntries(config.tasks.map((task) => [task.id, task])),
    agents: Object.fromEntries(config.agents.map((agent) => [agent.id, agent])),
    definition: (await loadCrewCode(config.dir, crew)).graph,
  });
  if (svg === undefined) {
    const mermaid = drawingMermaid(drawing);
    if (output.json) printJson(output, { crew: id, mermaid });
    else output.write(mermaid);
    return;
  }
  await writeFile(svg, drawingSvg(drawing));
  if (output.json) printJson(output, { crew: id, file: svg });
  else output.write(`${svg}\n`);
}
