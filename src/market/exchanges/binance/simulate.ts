import type { Market } from '../../domain/records.ts';
import type { SimulatedFrame, VenueSimulator } from '../simulator-contract.ts';
import { listingsWith } from '../shared/simulated-steps.ts';
import { FUTURES_ENDPOINTS, SPOT_ENDPOINTS } from './simulate-endpoints.ts';
import { makerOf } from './simulate-frames.ts';
import { answer, restOf, text } from './simulate-rest.ts';

/*
 * Binance's half of the conversation, in the shapes of its documentation's examples and of recorded frames:
 * https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams and
 * https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams.
 */

const DAY = 86_400_000;

/** Paths that carry a combined stream, whose frames are wrapped with the stream's name. */
const COMBINED = /^\/(?:public\/|market\/)?stream(?:\?|$)/;
const RAW = /^\/(?:public\/|market\/)?ws(?:\/|$)/;

/** Tick and lot. */
const FUTURES_LISTINGS = listingsWith({
  BTCUSDT: ['0.10', '0.001'],
  ETHUSDT: ['0.01', '0.001'],
  SOLUSDT: ['0.0100', '0.01'],
  XRPUSDT: ['0.0001', '0.1'],
  ARUSDT: ['0.001', '0.1'],
  BRETTUSDT: ['0.0000100', '1'],
  POPCATUSDT: ['0.0001000', '1'],
  WIFUSDT: ['0.0001000', '0.1'],
  PNUTUSDT: ['0.0000100', '1'],
});

const SPOT_LISTINGS = listingsWith(
  {
    BTCUSDT: ['0.01000000', '0.00001'],
    ETHUSDT: ['0.01000000', '0.0001'],
    SOLUSDT: ['0.01000000', '0.001'],
    XRPUSDT: ['0.00010000', '0.1'],
    ARUSDT: ['0.00100000', '0.01'],
    WIFUSDT: ['0.00010000', '0.01'],
    PNUTUSDT: ['0.00010000', '0.1'],
  },
  { without: ['BRETTUSDT', 'POPCATUSDT'] },
);

/** The simulators of Binance's markets. */
const simulators: readonly VenueSimulator[] = Object.freeze([simulatorOf('futures'), simulatorOf('spot')]);

export default simulators;

function simulatorOf(kind: Market): VenueSimulator {
  return Object.freeze<VenueSimulator>({
    exchange: 'binance',
    market: kind,
    listings: kind === 'futures' ? FUTURES_LISTINGS : SPOT_LISTINGS,
    activity: kind === 'futures' ? 1 : 0.7,
    sequenceStride: 16,
    markDecimals: 8,
    acceptsPath: (path) => COMBINED.test(path) || RAW.test(path),
    channelsOfPath(path) {
      if (COMBINED.test(path)) {
        const streams = new URL(path, 'ws://127.0.0.1').searchParams.get('streams');
        return streams === null ? [] : streams.split('/').filter((name) => name !== '');
      }
      return path
        .replace(/^.*?\/ws\/?/, '')
        .split('/')
        .filter((name) => name !== '');
    },
    onFrame: (_market, frame, channels) => converse(frame, channels),
    onSubscribe: () => [],
    windowOf: (channel) => (/@(?:mini)?[tT]icker$/.test(channel) ? symbolOf(channel) : undefined),
    steady: (channel) => /@(?:depth|bookTicker|markPrice)/.test(channel),
    frames(market, channels, from, to) {
      const frames: SimulatedFrame[] = [];
      for (const channel of channels) {
        const symbol = symbolOf(channel);
        const maker = makerOf(kind, channel.slice(symbol.length));
        if (maker === undefined || !market.instruments.some((i) => i.symbol === symbol)) continue;
        for (const frame of maker(market, symbol, from, to)) frames.push({ ...frame, channel });
      }
      return frames.sort((a, b) => a.at - b.at);
    },
    envelope: (path, frame) =>
      COMBINED.test(path) ? `{"stream":${JSON.stringify(frame.channel)},"data":${frame.text}}` : frame.text,
    rest: restOf(kind, kind === 'futures' ? FUTURES_ENDPOINTS : SPOT_ENDPOINTS),
    connectionLifetimeMs: DAY,
    limit: {
      weight: kind === 'futures' ? 2400 : 6000,
      windowMs: 60_000,
      headers: (used) => ({ 'x-mbx-used-weight': String(used), 'x-mbx-used-weight-1m': String(used) }),
      refuse: (status, seconds) => ({
        ...answer(
          status === 418
            ? { code: -1003, msg: `Way too much request weight used; IP banned until ${seconds} s from now.` }
            : { code: -1003, msg: 'Too much request weight used; please use WebSocket Streams for live updates.' },
          0,
          status,
        ),
        headers: { 'retry-after': String(seconds) },
      }),
    },
    tradeId: (_market, _symbol, id) => String(id),
    candlesTellTakers: true,
    spoil,
  });
}

function symbolOf(channel: string): string {
  return (channel.split('@', 1)[0] ?? '').toUpperCase();
}

function converse(frame: string, channels: ReadonlySet<string>): ReturnType<VenueSimulator['onFrame']> {
  const nothing = { subscribe: [], unsubscribe: [] };
  let request: unknown;
  try {
    request = JSON.parse(frame);
  } catch {
    return { ...nothing, reply: [JSON.stringify({ error: { code: 3, msg: 'Invalid JSON: expected value' } })] };
  }
  const { method, params, id } = (typeof request === 'object' && request !== null ? request : {}) as {
    method?: unknown;
    params?: unknown;
    id?: unknown;
  };
  const names = Array.isArray(params) ? params.filter((p): p is string => typeof p === 'string') : [];
  const result = (value: unknown): readonly string[] => [JSON.stringify({ result: value, id: id ?? null })];
  switch (method) {
    case 'SUBSCRIBE':
      return { reply: result(null), subscribe: names, unsubscribe: [] };
    case 'UNSUBSCRIBE':
      return { reply: result(null), subscribe: [], unsubscribe: names };
    case 'LIST_SUBSCRIPTIONS':
      return { ...nothing, reply: result([...channels]) };
    case 'GET_PROPERTY':
      return { ...nothing, reply: result(true) };
    default: {
      const shown = typeof method === 'string' ? method : JSON.stringify(method ?? null);
      const msg = `Invalid request: unknown variant \`${shown}\`, expected one of \`SUBSCRIBE\`, \`UNSUBSCRIBE\`, \`LIST_SUBSCRIPTIONS\`, \`SET_PROPERTY\`, \`GET_PROPERTY\``;
      return { ...nothing, reply: [JSON.stringify({ error: { code: 2, msg }, id: id ?? null })] };
    }
  }
}

/** Doubles the best ask or mark (a spike), or puts a bid far above the asks (a crossed book). */
function spoil(frame: SimulatedFrame, how: 'spike' | 'crossed'): SimulatedFrame | undefined {
  if (how === 'spike') {
    if (/@bookTicker$/.test(frame.channel)) {
      return { ...frame, text: scale(scale(frame.text, /"b":"([\d.]+)"/), /"a":"([\d.]+)"/) };
    }
    return /@markPrice/.test(frame.channel) ? { ...frame, text: scale(frame.text, /"p":"([\d.]+)"/) } : undefined;
  }
  if (!/@depth/.test(frame.channel)) return undefined;
  const ask = /"(?:a|asks)":\[\["([\d.]+)"/.exec(frame.text)?.[1];
  if (ask === undefined) return undefined;
  const size = /\["[\d.]+","([\d.]+)"\]/.exec(frame.text)?.[1] ?? '1';
  const bid = `["${text(Number(ask) * 1.05, ask.length - ask.indexOf('.') - 1)}","${Number(size) > 0 ? size : '1'}"]`;
  return {
    ...frame,
    text: frame.text.replace(
      /"(b|bids)":\[/,
      (all) => `${all}${bid}${all.length > 0 && !/"(?:b|bids)":\[\]/.test(frame.text) ? ',' : ''}`,
    ),
  };
}

function scale(frame: string, field: RegExp): string {
  return frame.replace(field, (all, value: string) =>
    all.replace(value, text(Number(value) * 2, value.length - value.indexOf('.') - 1)),
  );
}
