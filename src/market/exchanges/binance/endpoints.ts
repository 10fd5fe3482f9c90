import type { EndpointTable } from '../endpoint.ts';
import { futuresTools } from './endpoints-futures.ts';
import { spotTools } from './endpoints-spot.ts';

/** What of Binance's REST interface is served as tools. Read 2026-11-20. */
const table: EndpointTable = Object.freeze({ exchange: 'binance', tools: [...futuresTools, ...spotTools] });

export default table;
