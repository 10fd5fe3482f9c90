import type { z } from 'zod';
import type { Finding } from '../../jobs/finding.ts';
import type { RecordedIssue } from '../../jobs/issue-book.ts';
import type { findingShape } from './fields.ts';
import { isoOfUs } from './provenance.ts';

/** A finding as tools show it: at most 20 row keys, with the quality issue it became (null: not recorded). */
export function showFinding(finding: Finding, issue?: RecordedIssue): z.infer<typeof findingShape> {
  return {
    exchange: finding.exchange,
    market: finding.market,
    symbol: finding.symbol,
    stream: finding.data_type,
    issue_type: finding.issue_type,
    severity: finding.severity,
    message: finding.message,
    rule: finding.rule,
    action: finding.action,
    rows: finding.count,
    value: finding.value,
    expected: finding.expected,
    deviation_percent: finding.deviation_percent,
    from: isoOfUs(finding.from),
    to: isoOfUs(finding.to),
    row_keys: finding.keys.slice(0, 20),
    issue_id: issue?.id ?? null,
  };
}
