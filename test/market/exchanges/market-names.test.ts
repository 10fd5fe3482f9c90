import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../src/kit/errors.ts';
import { venues } from '../../../src/market/exchanges/catalogue.generated.ts';
import { findMarket } from '../../../src/market/exchanges/market-names.ts';

describe('a market by the names that it goes by', () => {
  it('no two venues go by one name', () => {
    const names = venues.flatMap((venue) => [
      ...new Set(
        [venue.name, ...(venue.alsoCalled ?? [])].map((name) => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')),
      ),
    ]);
    expect(names).toEqual([...new Set(names)]);
  });

  it.each([
    ['binance', 'futures', 'binance_futures'],
    ['Binance', 'USD-M', 'binance_futures'],
    ['binance-futures', undefined, 'binance_futures'],
    ['binance_futures', 'futures', 'binance_futures'],
    ['binance', 'usdm-futures', 'binance_futures'],
    ['bybit-linear', undefined, 'bybit_futures'],
    ['bybit', 'inverse', 'bybit_futures'],
    ['bybit spot', undefined, 'bybit_spot'],
    ['okx', 'swap', 'okx_futures'],
    ['okex-swap', undefined, 'okx_futures'],
    ['OKX', 'SPOT', 'okx_spot'],
    ['gate', 'perpetual', 'gateio_futures'],
    ['gate.io', 'spot', 'gateio_spot'],
    ['gate-io-futures', undefined, 'gateio_futures'],
    ['kraken-futures', undefined, 'kraken_futures'],
    ['kucoin', 'perp', 'kucoin_futures'],
    ['deribit', 'option', 'deribit_options'],
    ['okex-options', undefined, 'okx_options'],
    // Markets without a definition of their own, whose frames another's decoder reads.
    ['bybit', 'option', 'bybit_futures'],
    ['bybit-options', undefined, 'bybit_futures'],
    ['binance', 'options', 'binance_futures'],
    ['binance-european-options', undefined, 'binance_futures'],
    ['deribit', 'perpetuals', 'deribit_futures'],
    ['hyperliquid', undefined, 'hyperliquid_futures'],
    ['pyth', undefined, 'pyth_oracle'],
  ])('%s and %s', (exchange, market, key) => {
    const found = findMarket(venues, exchange, market);
    expect(`${found.exchange}_${found.market}`).toBe(key);
  });

  it.each([
    ['huobi', 'spot', /no exchange 'huobi'; exchanges: .*binance, /],
    ['binanse', 'spot', /did you mean binance/],
    ['okxx', 'spot', /did you mean okx/],
    ['okx', undefined, /which market of okx\? give --market: futures, spot/],
    ['okx', 'spto', /okx has no market 'spto' \(did you mean spot\?\)/],
    ['hyperliquid', 'options', /hyperliquid has no market 'options'.*markets: futures/],
    ['binance-spot', 'futures', /two markets of binance/],
  ])('%s and %s are refused with what there is', (exchange, market, message) => {
    expect(() => findMarket(venues, exchange, market)).toThrow(InvalidInput);
    expect(() => findMarket(venues, exchange, market)).toThrow(message);
  });
});
