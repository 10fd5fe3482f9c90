// The simulated venues in a process of their own, at any rate: a stretch of their market comes again and again, whose
// frames are learned before they are asked to be sent.
import { WebSocket } from 'ws';
import { systemClock } from '../src/infra/clock.ts';
import { silentLogger } from '../src/kit/logger.ts';
import { DEFAULT_SYMBOLS } from '../src/market/domain/instrument.ts';
import { marketKey } from '../src/market/domain/records.ts';
import { venues } from '../src/market/exchanges/catalogue.generated.ts';
import type { SimulatedFrame, VenueSimulator } from '../src/market/exchanges/simulator-contract.ts';
import { simulators } from '../src/market/simulator/catalogue.generated.ts';
import { FaultDesk } from '../src/market/simulator/fault-desk.ts';
import { MarketServer } from '../src/market/simulator/market-server.ts';
import { createSimulatedMarkets, type ModelMarket } from '../src/market/simulator/model/market.ts';
import type { Order, Told } from './load.bench.ts';
import { type Loop, repeating } from './load-loop.ts';
import { type Make, Stock } from './load-stock.ts';

/** The market changes every 100 simulated ms. */
const STEP_MS = 100;
const TICK_MS = 4;
const MOST_TURN_MS = 20;
/** The market goes on in its own time while nobody asks for a rate: a slower one would look silent. */
let idling = true;
const SEED = 11;

/** Simulated UTC ms up to which everything was sent. */
let now = Math.floor(Date.now() / STEP_MS) * STEP_MS;
let sent = 0;
const servers: MarketServer[] = [];
/** Twelve seconds of the market, from the time at which a load is first prepared. */
const loop: Loop = { since: Number.POSITIVE_INFINITY, length: 12_000 };
const STEPS = Stock.stepsOf(loop);
/** What each subscription gets, by its market and channels; undefined while it is made as it goes. */
const stocks = new Map<string, { readonly begin: () => Stock; stock: Stock | undefined }>();
let framesOut = 0;
let pace: { readonly since: number; readonly rate: number; readonly until: number; done: number } | undefined;

const send = WebSocket.prototype.send as (...given: unknown[]) => void;
WebSocket.prototype.send = function (this: WebSocket, ...given: unknown[]): void {
  sent += 1;
  Reflect.apply(send, this, given);
};

/** The venue, with frames from those that are ready. */
function fromStock(venue: VenueSimulator): VenueSimulator {
  return {
    ...venue,
    frames: (market, channels, from, to) => {
      const id = `${venue.exchange} ${venue.market} ${[...channels].sort().join()}`;
      if (!stocks.has(id)) {
        const held = new Set(channels);
        const make: Make = (wanted, a, b) => venue.frames(market, wanted, a, b);
        stocks.set(id, {
          stock: undefined,
          begin: () => new Stock(loop, held, make, roundOf(now + loop.length - STEP_MS)),
        });
      }
      const frames: SimulatedFrame[] = [];
      for (let at = from; at < to; at += STEP_MS) {
        const stock = at + STEP_MS <= to ? stocks.get(id)?.stock : undefined;
        const made = stock?.frames(at) ?? venue.frames(market, channels, at, Math.min(to, at + STEP_MS));
        for (const frame of made) frames.push(frame);
      }
      framesOut += frames.length;
      return frames;
    },
  };
}

function roundOf(at: number): number {
  return Math.floor((at - loop.since) / loop.length);
}

async function listen(): Promise<void> {
  const markets = createSimulatedMarkets({ seed: SEED, symbols: [...DEFAULT_SYMBOLS], at: now });
  for (const venue of simulators.flat()) {
    const key = marketKey(venue.exchange, venue.market);
    const model = markets.get(key);
    const definition = venues.flatMap((v) => v.markets).find((m) => marketKey(m.exchange, m.market) === key);
    if (model === undefined || definition === undefined) continue;
    warm(model);
    const market = repeating(model, loop);
    const server = await MarketServer.listen({
      venue: fromStock({ ...venue, connectionLifetimeMs: Number.POSITIVE_INFINITY }),
      definition,
      market,
      desk: new FaultDesk(SEED, key, [], () => undefined),
      port: 0,
      log: silentLogger,
      clock: systemClock,
      now: () => now,
      onFirstConnection: () => undefined,
      mostBehindMs: Number.POSITIVE_INFINITY,
    });
    servers.push(server);
    const addresses = Object.entries(definition.addresses).map(([name, address]) => {
      const { protocol, pathname } = new URL(address);
      const scheme = protocol.startsWith('ws') ? 'ws' : 'http';
      return [name, `${scheme}://127.0.0.1:${server.port}${pathname === '/' ? '' : pathname}`] as const;
    });
    tell({ kind: 'listening', key, addresses: Object.fromEntries(addresses) });
  }
  tell({ kind: 'up' });
}

/** The 24 h windows that tickers need; of contracts that run out when one is asked for, since most never are. */
function warm(market: ModelMarket): void {
  for (const { symbol, expiry_time } of market.instruments) {
    while (expiry_time === undefined && !market.warm(symbol, now, 1440));
  }
}

/** Sends whole steps until so many frames are out, or for a turn: others want to be answered. */
function sendUpTo(frames: number, paced: { done: number }): void {
  const until = performance.now() + MOST_TURN_MS;
  while (paced.done < frames && performance.now() < until) {
    const before = framesOut;
    now += STEP_MS;
    for (const server of servers) server.pump(now);
    paced.done += Math.max(1, framesOut - before);
  }
}

/** When the idle market was as far as it should be. */
let idleSince = performance.now();

function tick(): void {
  const at = performance.now();
  if (pace === undefined) {
    if (!idling || at - idleSince < STEP_MS) return;
    // One that fell behind does not catch up: it would answer nobody meanwhile.
    idleSince = Math.max(idleSince + STEP_MS, at - STEP_MS);
    sendUpTo(1, { done: 0 });
  } else {
    const due = Math.min(((at - pace.since) / 1000) * pace.rate, pace.until);
    sendUpTo(due, pace);
    if (pace.done >= pace.until) {
      tell({ kind: 'sent', frames: pace.done, ms: performance.now() - pace.since });
      pace = undefined;
      idleSince = performance.now();
    }
  }
}

/** Learns the loop's frames for every subscription that is not ready. */
async function prepare(): Promise<void> {
  const began = performance.now();
  // Those that are gone would be learned in vain.
  for (const [id, { stock }] of stocks) if (stock === undefined) stocks.delete(id);
  while (now % 1_000 !== 0 || stocks.size === 0) for (const server of servers) server.pump((now += STEP_MS));
  // What was just sent is its first round, so that the next begins at once.
  if (loop.since === Number.POSITIVE_INFINITY) loop.since = now - loop.length;
  const fresh = [...stocks.values()].filter(({ stock }) => stock === undefined);
  const begun = fresh.map((entry) => ({ entry, stock: entry.begin() }));
  for (let step = 0; step < STEPS; step++) {
    for (const { stock } of begun) stock.learn(step);
    if (step % 4 === 3) await new Promise((resolve) => setTimeout(resolve, 0));
  }
  for (const { entry, stock } of begun) {
    stock.settle();
    entry.stock = stock;
  }
  const ready = [...stocks.values()].flatMap(({ stock }) => (stock === undefined ? [] : [stock.ready]));
  tell({
    kind: 'prepared',
    frames: ready.reduce((sum, { frames }) => sum + frames, 0),
    odd: ready.reduce((sum, { odd }) => sum + odd.length, 0),
    ms: performance.now() - began,
    subscriptions: ready.length,
  });
}

function tell(told: Told): void {
  process.send?.(told);
}

process.on('message', (order: Order) => {
  if (order.kind === 'prepare') void prepare();
  else if (order.kind === 'send') {
    pace = { since: performance.now(), rate: order.rate, until: order.frames, done: 0 };
  } else {
    if (order.kind === 'end') idling = false;
    const { user, system } = process.cpuUsage();
    tell({ kind: 'count', sent, cpuMs: (user + system) / 1000, rss: process.memoryUsage.rss() });
  }
});
process.on('disconnect', () => process.exit());
setInterval(tick, TICK_MS);
await listen();
