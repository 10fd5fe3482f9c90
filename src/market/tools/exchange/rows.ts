import type { AnyTool } from '../../../kit/tool.ts';
import { endpointTables } from '../../exchanges/endpoint-catalogue.generated.ts';
import type { MarketServices } from '../../services.ts';
import { exchangeTools } from '../shared/exchange/tool.ts';

/** The tools of all venues' endpoint tables. */
const rows: readonly AnyTool<MarketServices>[] = endpointTables.flatMap(exchangeTools);

export default rows;
