import type { VenueSimulator } from '../simulator-contract.ts';
import { futuresSimulator, spotSimulator } from './simulate-markets.ts';

/** The simulators of KuCoin's markets. */
const simulators: readonly VenueSimulator[] = Object.freeze([futuresSimulator, spotSimulator]);

export default simulators;
