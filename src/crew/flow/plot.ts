import { type Arrow, type Drawing, drawingMermaid, drawingSvg } from '../drawing.ts';
import type { FlowDefinition } from './define.ts';
import type { FlowDocument } from './document.ts';
import { type FlowTrigger, namesIn } from './trigger.ts';

/** A flow as a Mermaid flowchart: starts rounded, routers as diamonds, arrows of `all` dotted. */
export function flowMermaid(flow: FlowDefinition): string {
  return drawingMermaid(drawingOf(flow));
}

/**
 * A flow as an SVG that stands alone: layers from top to bottom, arrows back up on the right. With a run, methods that
 * ran are marked with how often.
 */
export function flowSvg(flow: FlowDefinition, run?: FlowDocument): string {
  return drawingSvg(drawingOf(flow), new Map(run?.methods.map((m) => [m.id, m.runs])));
}

function drawingOf(flow: FlowDefinition): Drawing {
  return {
    title: flow.id,
    nodes: flow.methods.map(({ id, label, start, routes }) => ({
      id,
      text: id,
      label,
      start,
      routes: routes !== null,
    })),
    arrows: arrowsOf(flow),
  };
}

/** Arrows from methods to what waits for them, routes as arrows from their routers. */
function arrowsOf(flow: FlowDefinition): readonly Arrow[] {
  return flow.methods.flatMap((method) => {
    const { on } = method;
    if (on === null) return [];
    return namesIn(on).flatMap((name): readonly Arrow[] => {
      const together = needsOthers(on, name);
      if (flow.methods.some((m) => m.id === name)) return [{ from: name, to: method.id, route: null, together }];
      const routers = flow.methods.filter((m) => m.routes?.includes(name) === true);
      return routers.map((router) => ({ from: router.id, to: method.id, route: name, together }));
    });
  });
}

function needsOthers(trigger: FlowTrigger, name: string): boolean {
  if (typeof trigger === 'string') return false;
  const parts = 'all' in trigger ? trigger.all : trigger.any;
  return (
    ('all' in trigger && parts.length > 1) ||
    parts.some((part) => namesIn(part).includes(name) && needsOthers(part, name))
  );
}
