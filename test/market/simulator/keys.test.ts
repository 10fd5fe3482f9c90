import { afterEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { ManualClock } from '../../../src/kit/clock.ts';
import { silentLogger } from '../../../src/kit/logger.ts';
import { simulatedCredentials, credentialHeaders } from '../../../src/market/exchanges/credential.ts';
import { startSimulator } from '../../../src/market/simulator/server.ts';
import { marketOf } from '../exchanges/recorded/data.ts';

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of opened.splice(0)) await each[Symbol.asyncDispose]();
});

/** `open`, or the status of a refusal. */
function outcome(url: string, headers: Readonly<Record<string, string>>): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { headers });
    socket.on('error', reject);
    socket.once('open', () => {
      socket.terminate();
      resolve('open');
    });
    socket.once('unexpected-response', (request, response) => {
      request.destroy();
      resolve(String(response.statusCode));
    });
  });
}

test('a simulated venue that wants a key refuses requests and connections without it', async () => {
  const clock = new ManualClock(Date.UTC(2026, 0, 5, 12));
  const options = { seed: 7, speed: 1, faults: [], clock, log: silentLogger, symbols: ['BTCUSDT'] };
  const simulator = await startSimulator({ ...options, markets: ['pyth_oracle'] });
  opened.push(simulator);
  const { rest = '', stream = '' } = simulator.addresses['pyth_oracle'] ?? {};
  expect(new URL(stream).pathname).toBe('/hermes/ws');
  const market = marketOf('pyth_oracle');
  const headers = credentialHeaders(market, rest, simulatedCredentials);
  const feeds = `${rest}/v2/price_feeds`;
  expect((await fetch(feeds)).status).toBe(401);
  expect((await fetch(feeds, { headers: { authorization: 'Bearer another' } })).status).toBe(401);
  const answer = await fetch(feeds, { headers });
  expect(answer.status).toBe(200);
  expect(market.parseInstruments(await answer.text()).map(({ symbol }) => symbol)).toEqual(['BTCUSD']);
  expect(await outcome(stream, {})).toBe('401');
  expect(await outcome(stream, headers)).toBe('open');
});
