// The simulated venues in a process of their own, at any rate: their frames are made before they are asked to be sent.
import { WebSocket } from 'ws';
import { systemClock } from '../src/infra/clock.ts';
import { silentLogger } from '../src/kit/logger.ts';
import { DEFAULT_SYMBOLS } from '../src/market/domain/instrument.ts';
import { marketKey } from '../src/market/domain/records.ts';
import { venues } from '../src/market/exchanges/catalogue.generated.ts';
import type { SimulatedFrame, VenueSimulator } from '../src/market/exchanges/contract.ts';
import { simulators } from '../src/market/simulator/catalogue.generated.ts';
import { FaultDesk } from '../src/market/simulator/fault-desk.ts';
import { MarketServer } from '../src/market/simulator/market-server.ts';
import { createSimulatedMarkets, type ModelMarket } from '../src/market/simulator/model/market.ts';
import type { Order, Told } from './load.bench.ts';

/** The market changes every 100 simulated ms. */
const STEP_MS = 100;
const TICK_MS = 4;
/** The market goes on in its own time while nobody asks for a rate: a slower one would look silent. */
let idling = true;
const SEED = 11;

/** Simulated UTC ms up to which everything was sent. */
let now = Math.floor(Date.now() / STEP_MS) * STEP_MS;
/** Up to here frames are ready. */
let ready = now;
let sent = 0;
const servers: MarketServer[] = [];
/** What each subscription gets in the step that begins then, and all of them together. */
const prepared = new Map<number, Map<string, readonly SimulatedFrame[]>>();
const counts = new Map<number, number>();
const subscriptions = new Map<string, (from: number, to: number) => readonly SimulatedFrame[]>();
let framesReady = 0;
let late = 0;
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
      if (!subscriptions.has(id)) {
        const held = new Set(channels);
        subscriptions.set(id, (a, b) => venue.frames(market, held, a, b));
      }
      const frames: SimulatedFrame[] = [];
      for (let at = from; at < to; at += STEP_MS) {
        const stock = at + STEP_MS <= to ? prepared.get(at)?.get(id) : undefined;
        for (const frame of stock ?? venue.frames(market, channels, at, Math.min(to, at + STEP_MS))) frames.push(frame);
      }
      return frames;
    },
  };
}

async function listen(): Promise<void> {
  const markets = createSimulatedMarkets({ seed: SEED, symbols: [...DEFAULT_SYMBOLS], at: now });
  for (const venue of simulators.flat()) {
    const key = marketKey(venue.exchange, venue.market);
    const market = markets.get(key);
    const definition = venues.flatMap((v) => v.markets).find((m) => marketKey(m.exchange, m.market) === key);
    if (market === undefined || definition === undefined) continue;
    warm(market);
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

/** The 24 h windows of all symbols, which tickers need. */
function warm(market: ModelMarket): void {
  for (const { symbol } of market.instruments) while (!market.warm(symbol, now, 1440));
}

/** Makes one more step of frames. */
function stock(): void {
  const step = new Map<string, readonly SimulatedFrame[]>();
  let frames = 0;
  for (const [id, make] of subscriptions) {
    const made = make(ready, ready + STEP_MS);
    step.set(id, made);
    frames += made.length;
  }
  prepared.set(ready, step);
  counts.set(ready, frames);
  framesReady += frames;
  ready += STEP_MS;
}

/** Sends whole steps until so many frames are out. */
function sendUpTo(frames: number, paced: { done: number }): void {
  while (paced.done < frames) {
    if (ready <= now) stock();
    const made = counts.get(now) ?? 0;
    const step = now;
    now += STEP_MS;
    for (const server of servers) server.pump(now);
    prepared.delete(step);
    counts.delete(step);
    framesReady -= made;
    paced.done += Math.max(1, made);
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
    if (framesReady === 0) late += 1;
    sendUpTo(due, pace);
    if (pace.done >= pace.until) {
      tell({ kind: 'sent', frames: pace.done, ms: performance.now() - pace.since, dry: late });
      pace = undefined;
      idleSince = performance.now();
    }
  }
}

async function prepare(frames: number): Promise<void> {
  // Subscriptions that are gone would be made in vain.
  subscriptions.clear();
  prepared.clear();
  counts.clear();
  framesReady = 0;
  ready = now;
  for (const server of servers) server.pump((now += STEP_MS));
  ready = now;
  const began = performance.now();
  while (framesReady < frames && subscriptions.size > 0) {
    for (let n = 0; n < 4; n++) stock();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  const ms = performance.now() - began;
  tell({ kind: 'prepared', frames: framesReady, ms, simulatedMs: ready - now, subscriptions: subscriptions.size });
}

function tell(told: Told): void {
  process.send?.(told);
}

process.on('message', (order: Order) => {
  if (order.kind === 'prepare') void prepare(order.frames);
  else if (order.kind === 'send') {
    late = 0;
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
