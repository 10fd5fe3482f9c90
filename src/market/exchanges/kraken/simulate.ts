import type { VenueSimulator } from '../simulator-contract.ts';
import { futuresSimulator } from './simulate-futures.ts';
import { spotSimulator } from './simulate-spot.ts';

/** The simulators of Kraken's markets. */
const simulators: readonly VenueSimulator[] = Object.freeze([futuresSimulator, spotSimulator]);

export default simulators;
