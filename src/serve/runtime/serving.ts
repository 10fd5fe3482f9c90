import { randomBytes } from 'node:crypto';
import { infrastructure } from '../control/infrastructure.ts';
import { type ControlOptions, type ControlServer, type Page, serveControl } from '../control/server.ts';
import { LocalDesk } from '../local-desk.ts';
import { deskMetrics } from '../metrics/desk.ts';
import { METRICS_TYPE, metricsText } from '../metrics/text.ts';
import type { DeskHost } from './contract.ts';

/** Serves a running desk to other processes, with the token given or one made for this start. */
export async function serveRunning(
  host: DeskHost,
  options: Pick<ControlOptions, 'host' | 'port' | 'log'> & { readonly token: string | undefined },
): Promise<ControlServer & { readonly token: string }> {
  const token = options.token ?? randomBytes(24).toString('base64url');
  const { stream } = host.runtime.operations;
  const server = await serveControl(new LocalDesk(host), { ...options, token, stream, pages: pagesOf(host) });
  return { url: server.url, token, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

function pagesOf(host: DeskHost): NonNullable<ControlOptions['pages']> {
  return {
    '/metrics': () =>
      Promise.resolve({ status: 200, type: METRICS_TYPE, body: metricsText(deskMetrics(host)) } satisfies Page),
    '/health': () => Promise.resolve(healthPage(host.getHealth())),
    '/health/infrastructure': async () => healthPage(await infrastructure(host)),
  };
}

function healthPage(health: { readonly healthy: boolean }): Page {
  return {
    status: health.healthy ? 200 : 503,
    type: 'application/json',
    body: `${JSON.stringify(health, null, 2)}\n`,
  };
}
