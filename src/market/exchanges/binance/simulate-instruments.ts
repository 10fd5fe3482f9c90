import type { Ms } from '../../../kit/clock.ts';
import type { Instrument } from '../../domain/instrument.ts';
import type { SimulatedMarket } from '../simulator-contract.ts';

/** When every symbol was listed: there is no history before. */
export const LISTED_AT: Ms = Date.UTC(2020, 0, 1);

function filtersOf(instrument: Instrument, decimals: { readonly price: number; readonly quantity: number }): unknown[] {
  const tick = (instrument.tick_size ?? 0).toFixed(decimals.price);
  const lot = (instrument.lot_size ?? 0).toFixed(decimals.quantity);
  return [
    { filterType: 'PRICE_FILTER', minPrice: tick, maxPrice: '1000000', tickSize: tick },
    { filterType: 'LOT_SIZE', minQty: lot, maxQty: '10000000', stepSize: lot },
    { filterType: 'MARKET_LOT_SIZE', minQty: lot, maxQty: '1000000', stepSize: lot },
  ];
}

/** An entry of `symbols` in the futures list. */
export function futuresSymbol(market: SimulatedMarket, i: Instrument): unknown {
  const d = market.decimals(i.symbol);
  return {
    symbol: i.symbol,
    pair: i.symbol,
    contractType: 'PERPETUAL',
    deliveryDate: 4_133_404_800_000,
    onboardDate: LISTED_AT,
    status: 'TRADING',
    baseAsset: i.base,
    quoteAsset: i.quote,
    marginAsset: i.quote,
    pricePrecision: d.price,
    quantityPrecision: d.quantity,
    baseAssetPrecision: 8,
    quotePrecision: 8,
    underlyingType: 'COIN',
    filters: [...filtersOf(i, d), { filterType: 'MIN_NOTIONAL', notional: '5' }],
    orderTypes: ['LIMIT', 'MARKET'],
    timeInForce: ['GTC', 'IOC', 'FOK', 'GTX'],
  };
}

/** An entry of `symbols` in the spot list. */
export function spotSymbol(i: Instrument): unknown {
  return {
    symbol: i.symbol,
    status: 'TRADING',
    baseAsset: i.base,
    baseAssetPrecision: 8,
    quoteAsset: i.quote,
    quotePrecision: 8,
    quoteAssetPrecision: 8,
    orderTypes: ['LIMIT', 'LIMIT_MAKER', 'MARKET'],
    icebergAllowed: true,
    isSpotTradingAllowed: true,
    isMarginTradingAllowed: true,
    filters: [...filtersOf(i, { price: 8, quantity: 8 }), { filterType: 'NOTIONAL', minNotional: '5.00000000' }],
    permissions: [],
    permissionSets: [['SPOT']],
  };
}
