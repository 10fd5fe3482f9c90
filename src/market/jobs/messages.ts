import type { MarketServices } from '../services.ts';

/** How the agents of the data operations crew talk to each other. */
export const COMMUNICATION_PATTERNS = [
  'new_data_batch',
  'anomaly_detected',
  'missing_data_found',
  'table_capacity_warning',
  'connection_restored',
] as const;
export type CommunicationPattern = (typeof COMMUNICATION_PATTERNS)[number];

/** Who asks whom for what in each pattern; `to` null: everybody. */
export const PATTERNS: Readonly<
  Record<CommunicationPattern, { readonly to: string | null; readonly action: string; readonly priority: number }>
> = {
  new_data_batch: { to: 'validator', action: 'validate_request', priority: 5 },
  anomaly_detected: { to: 'cleaner', action: 'handle_anomaly', priority: 8 },
  missing_data_found: { to: 'collector', action: 'backfill_request', priority: 6 },
  table_capacity_warning: { to: null, action: 'reduce_write_frequency', priority: 6 },
  connection_restored: { to: 'validator', action: 'verify_continuity', priority: 6 },
};

export interface SentMessage {
  readonly message_id: number;
  readonly from: string;
  readonly to: string;
  readonly action: string;
}

/** Writes a `communication_log` row and emits `crew.message`. */
export async function sendMessage(
  services: Pick<MarketServices, 'ops' | 'events' | 'clock'>,
  from: string,
  pattern: CommunicationPattern,
  details: Readonly<Record<string, unknown>>,
): Promise<SentMessage> {
  const { to, action, priority } = PATTERNS[pattern];
  const messageId = await services.ops.insert('communication_log', {
    timestamp: services.clock.now(),
    from_agent: from,
    to_agent: to,
    message_type: action,
    content: { pattern, ...details },
    priority,
    acknowledged: false,
    acknowledged_at: null,
  });
  const receiver = to ?? 'all';
  services.events.emit(
    'crew.message',
    { pattern, from, to: receiver, action, details: { ...details, message_id: messageId } },
    { source: `agent:${from}`, priority },
  );
  return { message_id: messageId, from, to: receiver, action };
}
