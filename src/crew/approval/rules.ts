import type { Ms } from '../../kit/clock.ts';
import { fitsPattern } from '../config/mcp-schema.ts';

/** Who must agree to calls of some tools, and by when. */
export interface ApprovalRule {
  /** Names, or beginnings that end in `*`. */
  readonly tools: readonly string[];
  /** Roles of people; one of them is needed. None: anybody. */
  readonly approvers: readonly string[];
  /** Different people who must agree. */
  readonly needed: number;
  readonly timeoutMs: Ms | null;
  /** After this time without an answer, `escalateTo` may answer too. */
  readonly escalateAfterMs: Ms | null;
  readonly escalateTo: readonly string[];
}

/** The first rule that covers a tool by any of its names. */
export function ruleFor(rules: readonly ApprovalRule[], names: readonly string[]): ApprovalRule | undefined {
  return rules.find((rule) => rule.tools.some((tool) => names.some((name) => fitsPattern(tool, name))));
}

/** The rules that system.yaml gives. */
export function approvalRules(
  rules: readonly {
    readonly tools: readonly string[];
    readonly approvers: readonly string[];
    readonly needed: number;
    readonly timeout_seconds: number | null;
    readonly escalate_after_seconds: number | null;
    readonly escalate_to: readonly string[];
  }[],
): readonly ApprovalRule[] {
  const ms = (seconds: number | null): Ms | null => (seconds === null ? null : seconds * 1000);
  return rules.map((rule) => ({
    tools: rule.tools,
    approvers: rule.approvers,
    needed: rule.needed,
    timeoutMs: ms(rule.timeout_seconds),
    escalateAfterMs: ms(rule.escalate_after_seconds),
    escalateTo: rule.escalate_to,
  }));
}

/** What a rule says of its approvers, for people. */
export function needsText(needed: number, roles: readonly string[]): string {
  const who = roles.length === 0 ? 'people' : `people with the role ${roles.join(' or ')}`;
  return needed === 1 ? `one of the ${who}` : `${needed} different ${who}`;
}
