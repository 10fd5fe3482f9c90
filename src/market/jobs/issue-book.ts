import type { Clock, Ms } from '../../kit/clock.ts';
import type { EventSink } from '../../kit/event.ts';
import type { OpsRows, OpsStore, OpsStored } from '../../kit/ops.ts';
import { fingerprintOf, priorityOf, stretchOf, type Finding } from './finding.ts';

/** What recording did. An issue already pending is counted on; rows of it already known count nothing. */
export interface RecordedIssue {
  readonly id: number;
  readonly fingerprint: string;
  readonly is_new: boolean;
  readonly occurrences: number;
  readonly added: number;
}

export interface RecordOptions {
  /** False: the event that told of the finding went out already; `new`: only for an issue that is new. */
  readonly announce?: boolean | 'new' | undefined;
}

const MAX_KEYS = 200;
const queues = new WeakMap<OpsStore, Promise<unknown>>();

/**
 * Writes findings to `quality_issues` and emits their events: one pending row per fingerprint. An event goes out for
 * every new issue, and for a known one when something was added. Calls on the same store wait for each other, so that
 * two checks at the same time do not open the same issue twice.
 */
export async function recordFindings(
  services: { readonly ops: OpsStore; readonly events: EventSink; readonly clock: Clock },
  findings: readonly Finding[],
  source: string,
  options: RecordOptions = {},
): Promise<readonly RecordedIssue[]> {
  const before = queues.get(services.ops) ?? Promise.resolve();
  const work = before.then(async () => {
    const recorded: RecordedIssue[] = [];
    for (const finding of findings) recorded.push(await recordOne(services, finding, source, options));
    return recorded;
  });
  queues.set(
    services.ops,
    work.catch(() => undefined),
  );
  return work;
}

async function recordOne(
  services: { readonly ops: OpsStore; readonly events: EventSink; readonly clock: Clock },
  finding: Finding,
  source: string,
  options: RecordOptions,
): Promise<RecordedIssue> {
  const announce = options.announce === false ? () => undefined : announceIssue;
  const { ops, clock } = services;
  const fingerprint = fingerprintOf(finding);
  const [known] = await ops.select('quality_issues', {
    where: { fingerprint, resolution_status: 'pending' },
    limit: 1,
  });
  if (known === undefined) {
    const id = await ops.insert('quality_issues', toRow(finding, fingerprint, clock.now()));
    const issue = { id, fingerprint, is_new: true, occurrences: finding.count, added: finding.count };
    announce(services.events, finding, issue, source);
    return issue;
  }
  const knownKeys = stringsOf(known.related_record_ids);
  const fresh = finding.keys.filter((key) => !knownKeys.includes(key));
  const added = finding.keys.length > 0 ? fresh.length : repeats(finding, known) ? 0 : finding.count;
  const occurrences = known.occurrences + added;
  if (added > 0) {
    await ops.update('quality_issues', known.id, {
      occurrences,
      related_record_ids: [...knownKeys, ...fresh].slice(-MAX_KEYS),
      actual_value: finding.value,
      deviation_percent: finding.deviation_percent,
      context: contextOf(countedOn(finding, known.context), clock.now()),
    });
  }
  const issue = { id: known.id, fingerprint, is_new: false, occurrences, added };
  if (added > 0 && options.announce !== 'new') announce(services.events, finding, issue, source);
  return issue;
}

/** A distinct finding (one gap) without row keys is the same thing seen again, not a second one. */
function repeats(finding: Finding, known: OpsStored<'quality_issues'>): boolean {
  return finding.distinct !== null && known.fingerprint === fingerprintOf(finding);
}

/** What goes on counting without rows tells the whole stretch; with rows, that of the rows found last. */
function countedOn(finding: Finding, context: OpsStored<'quality_issues'>['context']): Finding {
  if (finding.keys.length > 0 || context === null || typeof context !== 'object') return finding;
  const { from_us: from, to_us: to } = { from_us: null, to_us: null, ...context };
  const known = { from: typeof from === 'number' ? from : null, to: typeof to === 'number' ? to : null };
  return { ...finding, ...stretchOf(known, finding) };
}

function toRow(finding: Finding, fingerprint: string, now: Ms): OpsRows['quality_issues'] {
  return {
    detected_at: now,
    exchange: finding.exchange,
    market: finding.market,
    symbol: finding.symbol,
    data_type: finding.data_type,
    issue_type: finding.issue_type,
    severity: finding.severity,
    problematic_value: finding.value,
    expected_range: finding.expected,
    actual_value: finding.value,
    deviation_percent: finding.deviation_percent,
    cross_validation_result: null,
    validation_rule: finding.rule,
    action_taken: finding.action,
    resolution_status: 'pending',
    resolved_at: null,
    resolution_notes: null,
    related_record_ids: finding.keys.slice(0, MAX_KEYS),
    context: contextOf(finding, now),
    fingerprint,
    occurrences: finding.count,
  };
}

function contextOf(finding: Finding, now: Ms): Record<string, unknown> {
  return { message: finding.message, from_us: finding.from, to_us: finding.to, last_seen: now, ...finding.details };
}

function announceIssue(events: EventSink, finding: Finding, issue: RecordedIssue, source: string): void {
  const details = {
    ...finding.details,
    issue_id: issue.id,
    fingerprint: issue.fingerprint,
    occurrences: issue.occurrences,
    action: finding.action,
    deviation_percent: finding.deviation_percent,
    from_us: finding.from,
    to_us: finding.to,
    row_keys: finding.keys.slice(0, 20),
  };
  const series = {
    exchange: finding.exchange,
    symbol: finding.symbol,
    stream: finding.data_type,
    ...(finding.market === null ? {} : { market: finding.market }),
  };
  const options = { source, priority: priorityOf(finding.severity), correlationId: `issue:${issue.id}` };
  if (finding.event === 'data.gap_detected') {
    const start = finding.from === null ? null : finding.from / 1000;
    const end = finding.to === null ? null : finding.to / 1000;
    events.emit(
      'data.gap_detected',
      {
        ...series,
        kind: finding.issue_type,
        gap_start: start,
        gap_end: end,
        duration_seconds: start === null || end === null ? null : (end - start) / 1000,
        details,
      },
      options,
    );
    return;
  }
  events.emit(
    finding.event,
    { ...series, alert_type: finding.issue_type, message: finding.message, severity: finding.severity, details },
    options,
  );
}

/** A JSON column that should hold texts. */
export function stringsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((v): v is string => typeof v === 'string') : [];
}

/** Marks an issue resolved or ignored. Gives false when no pending issue has that id. */
export async function settleIssue(
  services: { readonly ops: OpsStore; readonly clock: Clock },
  id: number,
  status: 'resolved' | 'ignored',
  notes: string,
): Promise<boolean> {
  const [issue] = await services.ops.select('quality_issues', {
    where: { id, resolution_status: 'pending' },
    limit: 1,
  });
  if (issue === undefined) return false;
  await services.ops.update('quality_issues', id, {
    resolution_status: status,
    resolved_at: services.clock.now(),
    resolution_notes: notes,
  });
  return true;
}
