import type { Approvals } from '../crew/approval/contract.ts';
import type { Person } from '../crew/approval/people.ts';
import type { ApprovalRequest } from '../crew/approval/store.ts';
import { PermissionDenied } from '../kit/errors.ts';
import type { ApprovalRow, Desk, McpRole } from './desk.ts';
import { approvalRow } from './listing.ts';

/** What system.yaml says of MCP clients. */
interface McpRoles {
  readonly role: string;
  readonly oauth?: { readonly scopes: Readonly<Record<string, string>> } | null | undefined;
}

/**
 * Who an MCP client of a role is: one person, however many there are of it, so that nobody agrees twice. Throws
 * PermissionDenied for a role that system.yaml gives to no client.
 */
export function mcpPerson({ role }: McpRole, { role: own, oauth }: McpRoles): Person {
  const held = role ?? own;
  if (held !== own && !Object.values(oauth?.scopes ?? {}).includes(held))
    throw new PermissionDenied(
      `no MCP client has the role '${held}': system.yaml names theirs in mcp.role and mcp.oauth`,
    );
  return { name: `mcp:${held}`, roles: [held] };
}

/** Requests of a state (`all`, or undefined: of any); with `who`, only those that they may answer and have not. */
export function selectApprovals(
  requests: readonly ApprovalRequest[],
  state: string | undefined,
  who: Person | undefined,
): readonly ApprovalRow[] {
  return requests
    .filter((request) => state === undefined || state === 'all' || request.state === state)
    .filter(
      ({ approvers, answers }) =>
        who === undefined ||
        (approvers.some((role) => who.roles.includes(role)) && !answers.some((answer) => answer.by === who.name)),
    )
    .map(approvalRow);
}

/** Gives a person's answer, or that of an MCP client in its role. Throws as `Approvals.approve`. */
export async function decideApproval(
  approvals: Approvals,
  request: Parameters<Desk['decide']>[0],
  mcp: McpRoles,
): Promise<ApprovalRow> {
  const { id, by = '', note, key, args, sticky, client } = request;
  const as = client === undefined ? undefined : mcpPerson(client, mcp);
  if (request.decision === 'reject') return approvalRow(await approvals.reject(id, by, note, { key, as }));
  const { for_seconds: seconds = 0, allow = {}, uses = null } = sticky ?? {};
  const stands = sticky === undefined ? {} : { sticky: { forMs: seconds * 1000, allow, uses } };
  return approvalRow(await approvals.approve(id, by, note, { key, as, args, ...stands }));
}
