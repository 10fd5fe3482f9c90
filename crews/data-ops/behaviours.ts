import { connectionBehaviours } from './connection-behaviours.ts';
import { repairBehaviours } from './repair-behaviours.ts';
import { scheduledBehaviours } from './scheduled-behaviours.ts';

/** What the crew does by itself, without a run: on events, at thresholds, and by the clock. */
export default [...connectionBehaviours, ...repairBehaviours, ...scheduledBehaviours];
