import { defineBehaviour, type Behaviour, type BehaviourContext } from '../../src/crew/index.ts';
import { dataOf, outcomeOf, pause } from './acting.ts';
import { fields, items, numberAt, textAt } from './read.ts';

const ATTEMPTS = 3;
/** Refusals in a row that people are told of. */
const REFUSALS = 5;
const FIRST_WAIT_MS = 1000;
const ORDERLY = /^(stopp|rotat|no longer needed|replaced)/i;

/** Reconnecting, falling back to REST, and coming back from it. */
export const connectionBehaviours: readonly Behaviour[] = [
  defineBehaviour({
    name: 'auto_reconnect',
    description:
      'When a connection breaks: reopens it, up to three times with growing pauses, then polls over REST and escalates.',
    trigger: {
      event: 'streaming.stopped',
      when: (event) => !ORDERLY.test(textAt(event.data, 'reason')),
    },
    agent: 'collector',
    cooldownSeconds: 30,
    priority: 1,
    key: (event) => venueOf(event.data),
    run: reconnect,
  }),
  defineBehaviour({
    name: 'return_to_websocket',
    description: 'Every 5 minutes: tries the WebSocket of venue markets that are polled over REST.',
    trigger: { every: 300 },
    agent: 'collector',
    cooldownSeconds: 240,
    priority: 4,
    run: async (context) => {
      const status = dataOf(await context.invoke('get_all_exchange_status', {}, 'find venues in fallback'));
      const fallen = items(status, 'venues').filter((v) => v['fallback'] === 'forced');
      for (const { exchange, market } of fallen) {
        const reason = `${String(exchange)} ${String(market)} was switched to REST: try its WebSocket`;
        outcomeOf(await context.invoke('switch_rest_to_websocket', { exchange, market, reason }, reason));
      }
      return { venues: fallen.length };
    },
  }),
  defineBehaviour({
    name: 'rate_limit_escalation',
    description:
      'When a venue refuses five requests in a row for their rate: tells people. The request rate is halved for five minutes after each refusal without anybody asking.',
    trigger: {
      event: 'streaming.rate_limited',
      when: (event) => (numberAt(event.data, 'refused_in_a_row') ?? 0) >= REFUSALS,
    },
    agent: 'collector',
    cooldownSeconds: 300,
    priority: 3,
    key: (event) => textAt(event.data, 'host'),
    run: async (context) => {
      const data = fields(context.event?.data);
      const host = textAt(data, 'host');
      const venue = venueOf(data);
      const reason = `${host} refused ${numberAt(data, 'refused_in_a_row') ?? REFUSALS} requests in a row for their rate`;
      const escalation = {
        level: 'medium',
        trigger: `rate_limited:${host}`,
        description: `${reason}; requests are made half as often now`,
        value: String(numberAt(data, 'refused_in_a_row') ?? ''),
        threshold: `${REFUSALS} in a row`,
        exchanges: [venue],
        recommended_actions: ['poll less often (adjust_polling_interval)', 'see who else uses this address'],
      };
      return outcomeOf(await context.invoke('escalate_issue', escalation, reason));
    },
  }),
  defineBehaviour({
    name: 'verify_after_reconnect',
    description: 'When the collector tells that a connection is back: the validator looks for what was missed.',
    trigger: { event: 'crew.message', when: (event) => textAt(event.data, 'pattern') === 'connection_restored' },
    agent: 'validator',
    cooldownSeconds: 30,
    priority: 3,
    key: (event) => venueOf(fields(event.data)['details']),
    run: async (context) => {
      const { exchange, market } = fields(fields(context.event?.data)['details']);
      const args = {
        ...(typeof exchange === 'string' ? { exchange } : {}),
        ...(typeof market === 'string' ? { market } : {}),
      };
      const reason = 'a connection was restored: verify continuity';
      return outcomeOf(await context.invoke('check_data_gaps', { ...args, lookback_minutes: 15 }, reason));
    },
  }),
];

async function reconnect(context: BehaviourContext): Promise<Readonly<Record<string, unknown>>> {
  const exchange = textAt(context.event?.data, 'exchange');
  const market = textAt(context.event?.data, 'market');
  if (exchange === '') return reconnectBroken(context);
  const place = market === '' ? { exchange } : { exchange, market };
  const cause = textAt(context.event?.data, 'reason');
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const reason = `${exchange} ${market} lost its connection (${cause}), attempt ${attempt} of ${ATTEMPTS}`;
    const called = await context.invoke('trigger_reconnect', { ...place, reason }, reason);
    outcomeOf(called);
    if (called.ok && 'proposed' in called) return { venue: `${exchange}_${market}`, proposal_id: called.proposal_id };
    await pause(context, FIRST_WAIT_MS * 2 ** (attempt - 1));
    if (await isUp(context, place)) {
      await context.invoke(
        'send_crew_message',
        { pattern: 'connection_restored', details: place },
        'the connection is back',
      );
      return { venue: `${exchange}_${market}`, attempts: attempt, success: true };
    }
  }
  return giveUp(context, place, market === '');
}

/** Fired by hand, without an event: every venue market that is not connected. */
async function reconnectBroken(context: BehaviourContext): Promise<Readonly<Record<string, unknown>>> {
  const status = dataOf(await context.invoke('get_all_exchange_status', {}, 'find what is down'));
  const down = items(status, 'venues').filter((v) => v['status'] === 'disconnected');
  for (const { exchange, market } of down) {
    const reason = `${String(exchange)} ${String(market)} is disconnected`;
    outcomeOf(await context.invoke('trigger_reconnect', { exchange, market, reason }, reason));
  }
  return { venues: down.length };
}

async function giveUp(
  context: BehaviourContext,
  place: { readonly exchange: string; readonly market?: string },
  wholeVenue: boolean,
): Promise<Readonly<Record<string, unknown>>> {
  const name = place.market === undefined ? place.exchange : `${place.exchange}_${place.market}`;
  const reason = `${name} did not come back after ${ATTEMPTS} attempts`;
  if (!wholeVenue) outcomeOf(await context.invoke('switch_websocket_to_rest', { ...place, reason }, reason));
  const escalation = {
    level: 'medium',
    trigger: `exchange_down:${name}`,
    description: `${reason}; it is polled over REST until its WebSocket answers`,
    value: `${ATTEMPTS} attempts`,
    threshold: `${ATTEMPTS} attempts`,
    exchanges: [name],
    recommended_actions: ['check the status page of the venue', 'crew doctor'],
  };
  outcomeOf(await context.invoke('escalate_issue', escalation, reason));
  return { venue: name, attempts: ATTEMPTS, success: false, fallback: !wholeVenue };
}

async function isUp(context: BehaviourContext, place: Readonly<Record<string, unknown>>): Promise<boolean> {
  const status = dataOf(await context.invoke('check_exchange_status', place, 'see whether it came back'));
  const markets = items(status, 'markets');
  return markets.length > 0 && markets.every((m) => m['connections_up'] === m['connections']);
}

function venueOf(data: unknown): string {
  return `${textAt(data, 'exchange')}_${textAt(data, 'market')}`;
}
