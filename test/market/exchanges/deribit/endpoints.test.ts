import { describe, expect, it } from 'vitest';
import {
  atTheMoneyIv,
  callsAndPuts,
  type ChainRow,
} from '../../../../src/market/exchanges/deribit/endpoint-options.ts';
import { endpointData, endpointTool, simulatedDesk } from '../endpoint-desk.ts';

const desk = simulatedDesk('deribit');
const run = (name: string, input?: Record<string, unknown>) => endpointData('deribit', name, input);

const option = (type: 'call' | 'put', strike: number, rest: Partial<ChainRow>): ChainRow => ({
  symbol: `${type}${strike}`,
  venue_symbol: `${type}${strike}`,
  type,
  strike,
  expiry: 0,
  open_interest: null,
  open_interest_usd: null,
  volume_24h: null,
  mark: null,
  mark_iv: null,
  bid: null,
  ask: null,
  underlying: 104,
  ...rest,
});

describe('measures of a chain', () => {
  it('weigh puts against calls', () => {
    const rows = [option('call', 100, { open_interest: 50 }), option('put', 100, { open_interest: 65, volume_24h: 3 })];
    expect(callsAndPuts(rows)).toMatchObject({
      put_call_open_interest: 1.3,
      put_call_volume: null,
      leaning: 'hedging',
    });
    expect(callsAndPuts([])).toMatchObject({ options: 0, put_call_open_interest: null, leaning: 'unknown' });
  });

  it('take the volatility of the strike next to the underlying', () => {
    const rows = [
      option('call', 100, { mark_iv: 50 }),
      option('put', 100, { mark_iv: 52 }),
      option('call', 110, { mark_iv: 70 }),
    ];
    expect(atTheMoneyIv(rows)).toBe(51);
    expect(atTheMoneyIv([option('call', 100, { mark_iv: 50, underlying: null })])).toBeNull();
  });
});

describe('Deribit endpoint tools', () => {
  it('tell inverse amounts in base units and in dollars', async () => {
    const ticker = await run('deribit_perpetual_ticker', { currency: 'BTC' });
    const { body } = await desk.ask('futures', {
      path: '/api/v2/public/ticker',
      query: { instrument_name: 'BTC-PERPETUAL' },
      weight: 1,
    });
    const { open_interest } = (body as { result: { open_interest: number } }).result;
    expect(ticker.open_interest_quote).toBe(open_interest);
    expect(ticker.open_interest).toBeCloseTo(open_interest / ticker.mark, 9);
  });

  it('give the option next to the money without a name, with greeks', async () => {
    const given = await run('deribit_option_ticker', { currency: 'BTC' });
    expect(given).toMatchObject({ type: 'call', delta: expect.any(Number), mark_iv: expect.any(Number) });
    const named = await run('deribit_option_ticker', { instrument_name: given.venue_symbol });
    expect(named).toEqual(given);
    await expect(endpointTool('deribit_option_ticker').run({ currency: 'NOPE' }, desk)).rejects.toThrow(
      /Invalid params/,
    );
  });

  it('lay the chain out by expiry and strike', async () => {
    const { expiries, options } = await run('deribit_options_chain', { currency: 'BTC' });
    expect(expiries.reduce((sum: number, e: any) => sum + Number(e.options), 0)).toBe(options);
    const day = expiries[1].expiry.slice(0, 10);
    const one = await run('deribit_options_chain', { currency: 'BTC', expiration: day });
    expect(one.expiries[0].strikes.every((s: any) => s.call !== null && s.put !== null)).toBe(true);
    await expect(endpointTool('deribit_options_chain').run({ expiration: '2020-01-01' }, desk)).rejects.toThrow(
      /no option expires on 2020-01-01/,
    );
  });

  it('answer for options and futures by their names', async () => {
    const { venue_symbol } = await run('deribit_option_ticker', { currency: 'ETH' });
    expect(await run('deribit_ticker', { instrument_name: venue_symbol })).toMatchObject({ index: null, quote: 'ETH' });
    expect(await run('deribit_ticker', { instrument_name: 'ETH-PERPETUAL' })).toMatchObject({ quote: 'USD' });
  });

  it('tell what each hour of funding cost', async () => {
    const history = await run('deribit_funding_history', { currency: 'BTC', hours: 24 });
    expect(history.interval_hours).toBe(1);
  });
});
