import { describe, expect, it } from 'vitest';
import { AppError } from '../../../src/kit/errors.ts';
import { askVenue, type VenueHttp } from '../../../src/market/collect/venue-http.ts';
import type { RestErrorInfo, VenueMarket } from '../../../src/market/exchanges/contract.ts';
import { venues } from '../../../src/market/exchanges/catalogue.generated.ts';

/**
 * Bodies of refusals as the venues document them (pages in each `restError`), or as clients that others keep have
 * written them down; none was provoked at a live venue. `status` is the one that the venue sends them with.
 */
type Case = readonly [status: number, body: string, kind: RestErrorInfo['kind'], code: string];

const json = (value: unknown): string => JSON.stringify(value);
const binance = (code: number, msg: string): string => json({ code, msg });
const bybit = (retCode: number, retMsg: string): string =>
  json({ retCode, retMsg, result: {}, retExtInfo: {}, time: 1 });
const okx = (code: string, msg: string): string => json({ code, msg, data: [] });
const gate = (label: string, message: string): string => json({ label, message });
const kucoin = (code: string, msg: string): string => json({ code, msg });
const deribit = (code: number, message: string, data?: unknown): string =>
  json({ jsonrpc: '2.0', error: { code, message, ...(data === undefined ? {} : { data }) }, testnet: false });

const CASES: Readonly<Record<string, readonly Case[]>> = {
  binance: [
    [400, binance(-1121, 'Invalid symbol.'), 'unknown_symbol', '-1121'],
    [400, binance(-1120, 'Invalid interval.'), 'bad_request', '-1120'],
    [400, binance(-1102, "Mandatory parameter 'symbol' was not sent."), 'bad_request', '-1102'],
    [
      429,
      binance(-1003, 'Too many requests; current limit is 2400 request weight per 1 MINUTE.'),
      'rate_limited',
      '-1003',
    ],
    [418, binance(-1003, 'Way too much request weight used; IP banned until 1780000000000.'), 'banned', '-1003'],
    [451, json({ code: 0, msg: 'Service unavailable from a restricted location.' }), 'blocked_region', '0'],
    [403, '<html>Request blocked.</html>', 'forbidden', '403'],
    [401, binance(-2015, 'Invalid API-key, IP, or permissions for action.'), 'forbidden', '-2015'],
    [503, binance(-1008, 'Server is currently overloaded with other requests.'), 'unavailable', '-1008'],
    [400, binance(-1001, 'Internal error; unable to process your request.'), 'unavailable', '-1001'],
    [503, binance(-1016, 'This service is no longer available.'), 'maintenance', '-1016'],
    [502, '<html>Bad Gateway</html>', 'unavailable', '502'],
  ],
  bybit: [
    [200, bybit(10001, 'params error: Symbol Is Invalid'), 'unknown_symbol', '10001'],
    [200, bybit(10001, 'Not supported symbols'), 'unknown_symbol', '10001'],
    [200, bybit(10001, 'params error: Invalid period!'), 'bad_request', '10001'],
    [200, bybit(10006, 'Too many visits!'), 'rate_limited', '10006'],
    [200, bybit(10018, 'Exceeded the IP Rate Limit.'), 'rate_limited', '10018'],
    [403, '{"retCode":10006}access too frequent', 'rate_limited', '403'],
    [
      403,
      'The Amazon CloudFront distribution is configured to block access from your country.',
      'blocked_region',
      '403',
    ],
    [200, bybit(10024, 'Compliance rules triggered'), 'blocked_region', '10024'],
    [200, bybit(10009, 'IP has been banned'), 'banned', '10009'],
    [200, bybit(10010, 'Unmatched IP'), 'forbidden', '10010'],
    [200, bybit(10016, 'Server error'), 'unavailable', '10016'],
    [200, bybit(10000, 'Server Timeout'), 'unavailable', '10000'],
    [404, '404 page not found', 'bad_request', '404'],
  ],
  okx: [
    [200, okx('51001', "Instrument ID, Instrument ID code, or Spread ID doesn't exist."), 'unknown_symbol', '51001'],
    [400, okx('51000', 'Parameter instId error'), 'bad_request', '51000'],
    [429, okx('50011', 'Too Many Requests'), 'rate_limited', '50011'],
    [200, okx('50061', 'Sub-account rate limit exceeded.'), 'rate_limited', '50061'],
    [503, okx('50001', 'Service temporarily unavailable. Try again later'), 'maintenance', '50001'],
    [503, okx('50013', 'Systems are busy. Please try again later.'), 'unavailable', '50013'],
    [500, okx('50026', 'System error. Try again later.'), 'unavailable', '50026'],
    [401, okx('50110', 'Your IP 192.0.2.1 is not included in your whitelist.'), 'forbidden', '50110'],
    [
      200,
      json({
        code: '1',
        msg: 'All operations failed',
        data: [{ sCode: '51155', sMsg: 'Local compliance restrictions.' }],
      }),
      'blocked_region',
      '51155',
    ],
    [200, json({ code: '1', msg: 'Operation failed.', data: [] }), 'bad_request', '1'],
    [403, '<html>Access denied</html>', 'forbidden', '403'],
  ],
  gateio: [
    [400, gate('INVALID_CURRENCY_PAIR', 'Invalid currency pair NO_USDT'), 'unknown_symbol', 'INVALID_CURRENCY_PAIR'],
    [400, gate('CONTRACT_NOT_FOUND', 'contract not found'), 'unknown_symbol', 'CONTRACT_NOT_FOUND'],
    [400, gate('INVALID_PARAM_VALUE', 'invalid argument: interval'), 'bad_request', 'INVALID_PARAM_VALUE'],
    [429, gate('TOO_MANY_REQUESTS', 'Request Rate limit Exceeded'), 'rate_limited', 'TOO_MANY_REQUESTS'],
    [400, gate('TOO_FAST', 'request too fast'), 'rate_limited', 'TOO_FAST'],
    [403, gate('FORBIDDEN', 'Request IP not in whitelist'), 'forbidden', 'FORBIDDEN'],
    [500, gate('SERVER_ERROR', 'Internal server error'), 'unavailable', 'SERVER_ERROR'],
    [503, gate('TOO_BUSY', 'service is too busy'), 'unavailable', 'TOO_BUSY'],
    [503, gate('SOMETHING_NEW', 'no'), 'unavailable', 'SOMETHING_NEW'],
    [451, 'Unavailable For Legal Reasons', 'blocked_region', '451'],
  ],
  kraken: [
    [502, '<html>cloudflare</html>', 'unavailable', '502'],
    [429, 'error code: 1015', 'rate_limited', '429'],
    [451, '', 'blocked_region', '451'],
  ],
  kucoin: [
    [200, kucoin('400100', 'Unsupported trading pair.'), 'unknown_symbol', '400100'],
    [200, kucoin('900001', 'symbol not exists'), 'unknown_symbol', '900001'],
    [400, kucoin('400100', 'Param error: type is invalid.'), 'bad_request', '400100'],
    [429, kucoin('429000', 'Too many requests'), 'rate_limited', '429000'],
    [200, kucoin('400302', 'Our services are currently unavailable in the U.S.'), 'blocked_region', '400302'],
    [401, kucoin('400006', 'The requested ip address is not in the api whitelist'), 'forbidden', '400006'],
    [500, kucoin('500000', 'Internal Server Error'), 'unavailable', '500000'],
    [200, kucoin('300000', 'The system is under maintenance'), 'maintenance', '300000'],
    [404, kucoin('404000', 'Url Not Found -- The requested resource could not be found'), 'bad_request', '404000'],
  ],
  hyperliquid: [
    [200, 'null', 'unknown_symbol', 'unknown_coin'],
    [500, 'null', 'unknown_symbol', 'unknown_coin'],
    [422, 'Failed to deserialize the JSON body into the target type', 'bad_request', 'invalid_request'],
    [429, 'null', 'rate_limited', '429'],
    [
      200,
      json({ status: 'err', response: 'Too many cumulative requests sent (37986 > 10436)' }),
      'rate_limited',
      'err',
    ],
    [502, '<html>Bad gateway</html>', 'unavailable', '502'],
    [403, '<html>Forbidden</html>', 'forbidden', '403'],
  ],
  deribit: [
    [
      400,
      deribit(-32602, 'Invalid params', { param: 'instrument_name', reason: 'wrong format' }),
      'unknown_symbol',
      '-32602',
    ],
    [400, deribit(13020, 'not_found', { reason: 'instrument not found' }), 'unknown_symbol', '13020'],
    [
      400,
      deribit(-32602, 'Invalid params', { param: 'resolution', reason: 'must be one of' }),
      'bad_request',
      '-32602',
    ],
    [429, deribit(10028, 'too_many_requests'), 'rate_limited', '10028'],
    [400, deribit(10041, 'settlement_in_progress'), 'maintenance', '10041'],
    [503, deribit(11051, 'system_maintenance'), 'maintenance', '11051'],
    [400, deribit(10040, 'retry'), 'unavailable', '10040'],
    [400, deribit(13888, 'timed_out'), 'unavailable', '13888'],
    [403, deribit(13021, 'forbidden'), 'forbidden', '13021'],
    [451, '<html></html>', 'blocked_region', '451'],
  ],
  pyth: [
    [404, 'Price ids not found: 0x00', 'unknown_symbol', 'price_ids_not_found'],
    [400, 'Failed to deserialize query string', 'bad_request', 'invalid_request'],
    [429, 'Too many requests', 'rate_limited', '429'],
    [401, '', 'forbidden', 'no_api_key'],
    [503, '', 'unavailable', '503'],
  ],
};

/** Kraken's two markets have two interfaces. */
const OF_MARKET: Readonly<Record<string, readonly Case[]>> = {
  'kraken spot': [
    [200, json({ error: ['EQuery:Unknown asset pair'] }), 'unknown_symbol', 'EQuery:Unknown asset pair'],
    [200, json({ error: ['EGeneral:Invalid arguments'] }), 'bad_request', 'EGeneral:Invalid arguments'],
    [200, json({ error: ['EGeneral:Too many requests'] }), 'rate_limited', 'EGeneral:Too many requests'],
    [200, json({ error: ['EAPI:Rate limit exceeded'] }), 'rate_limited', 'EAPI:Rate limit exceeded'],
    [200, json({ error: ['EGeneral:Temporary lockout'] }), 'rate_limited', 'EGeneral:Temporary lockout'],
    [520, json({ error: ['EService:Unavailable'] }), 'unavailable', 'EService:Unavailable'],
    [200, json({ error: ['EGeneral:Internal error'] }), 'unavailable', 'EGeneral:Internal error'],
    [
      200,
      json({ error: ['EService:Market in cancel_only mode'] }),
      'maintenance',
      'EService:Market in cancel_only mode',
    ],
    [200, json({ error: ['EGeneral:Permission denied'] }), 'forbidden', 'EGeneral:Permission denied'],
  ],
  'kraken futures': [
    [200, json({ result: 'error', error: 'apiLimitExceeded', serverTime: '' }), 'rate_limited', 'apiLimitExceeded'],
    [200, json({ result: 'error', error: 'contractNotFound', serverTime: '' }), 'unknown_symbol', 'contractNotFound'],
    [200, json({ result: 'error', error: 'Unavailable', serverTime: '' }), 'unavailable', 'Unavailable'],
    [200, json({ result: 'error', error: 'marketSuspended', serverTime: '' }), 'maintenance', 'marketSuspended'],
    [
      200,
      json({ result: 'error', error: 'invalidArgument: symbol', serverTime: '' }),
      'bad_request',
      'invalidArgument',
    ],
    [200, json({ result: 'error', error: 'authenticationError', serverTime: '' }), 'forbidden', 'authenticationError'],
  ],
};

/** What each kind becomes for the caller: its code, whether the same call may do later, and what the message advises. */
const ADVICE: Readonly<
  Record<RestErrorInfo['kind'], { readonly code: string; readonly retryable: boolean; readonly says: RegExp }>
> = {
  rate_limited: { code: 'rate_limited', retryable: true, says: /nothing is asked of .+ for \d+ s; try again then/ },
  banned: { code: 'rate_limited', retryable: true, says: /nothing is asked of .+ for \d+ s; try again then/ },
  blocked_region: { code: 'unavailable', retryable: false, says: /does not serve this region.*HTTPS_PROXY/ },
  forbidden: { code: 'unavailable', retryable: false, says: /./ },
  unknown_symbol: { code: 'not_found', retryable: false, says: /choose a symbol that the venue lists/ },
  bad_request: { code: 'invalid_input', retryable: false, says: /does not take these arguments/ },
  maintenance: { code: 'unavailable', retryable: true, says: /under maintenance: try again in some minutes/ },
  unavailable: { code: 'unavailable', retryable: true, says: /cannot answer now: try again shortly/ },
};

/** An HTTP client that always answers the same. */
function answering(status: number, body: string): VenueHttp & { readonly blocked: number[] } {
  const blocked: number[] = [];
  const answer = async () => ({ status, body, headers: {}, retryAfterMs: null });
  const limiter = {
    configure: () => undefined,
    block: (_host: string, ms: number) => blocked.push(ms),
    note: () => 1,
    blockedForMs: () => 0,
  };
  return { get: answer, post: answer, limiter, blocked } as unknown as VenueHttp & { readonly blocked: number[] };
}

async function refusalOf(market: VenueMarket, http: VenueHttp): Promise<unknown> {
  const address = Object.keys(market.addresses).find((name) => name.startsWith('rest')) ?? 'rest';
  const request = { address, path: '/x', weight: 1, timeoutMs: 1000, credentials: () => 'key' };
  return askVenue(http, market, market.addresses, request as never).then(
    () => undefined,
    (error: unknown) => error,
  );
}

const markets = venues.flatMap((venue) => venue.markets);

describe.each(markets.map((m) => [`${m.exchange} ${m.market}`, m] as const))('%s', (name, market) => {
  const cases = [...(CASES[market.exchange] ?? []), ...(OF_MARKET[name] ?? [])];

  it('has its refusals written down: limits, regions or keys, symbols, and being down', () => {
    const kinds = new Set(cases.map(([, , kind]) => kind));
    for (const kind of ['rate_limited', 'unknown_symbol', 'bad_request', 'unavailable'] as const)
      expect(kinds).toContain(kind);
    expect(kinds.has('forbidden') || kinds.has('blocked_region')).toBe(true);
  });

  it.each(cases)('HTTP %i %s is %s', async (status, body, kind, code) => {
    expect(market.restError(status, body)).toMatchObject({ kind, code });
    const http = answering(status, body);
    const error = await refusalOf(market, http);
    if (!(error instanceof AppError)) throw new Error('no typed error');
    const { code: wanted, retryable, says } = ADVICE[kind];
    expect([error.code, error.retryable]).toEqual([wanted, retryable]);
    expect(error.message).toMatch(says);
    expect(error.details).toMatchObject({ code, status, refusal: kind });
    // A host that asks for patience gets it from every caller.
    expect(http.blocked.length).toBe(wanted === 'rate_limited' ? 1 : 0);
  });
});
