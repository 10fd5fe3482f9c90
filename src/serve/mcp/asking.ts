import { Conflict, InvalidInput, PermissionDenied } from '../../kit/errors.ts';
import type { CallOptions, Desk, FlowDocument, QuestionRow, RunDocument } from '../desk.ts';
import { answerIn, approvalForm, approvalIn, questionForm } from './forms.ts';
import type { McpCallContext, McpInputNeeded, McpQuestion } from './surface.ts';

/** Whose tools they are. */
export interface McpClient {
  readonly desk: Desk;
  /** Of the client; undefined: the desk's `mcp.role`. */
  readonly role: string | undefined;
}

/** What is asked over MCP: typed questions, reviews, and a flow's own; budgets and graphs' own pauses are not. */
const ASKED: ReadonlySet<QuestionRow['kind']> = new Set(['question', 'human_input'] as const);
const APPROVAL = 'approval:';

type Problems = Readonly<Record<string, string>>;

/** The run of the round before: sealed, so it is what `askFor` gave. */
export function keptRun({ state }: McpCallContext): string | undefined {
  const { run } = Object(state) as { readonly run?: unknown };
  return typeof run === 'string' ? run : undefined;
}

/**
 * Forms for what a run waits for, of the runs that it began too: reviews, questions, and approvals where a rule lets the client's role
 * answer. Undefined when there is nothing of it, or the client cannot ask.
 */
export async function askFor(
  client: McpClient,
  document: RunDocument | FlowDocument,
  context: McpCallContext,
  problems: Problems = {},
): Promise<McpInputNeeded | undefined> {
  if (document.status !== 'waiting' || !context.client.form) return undefined;
  const { run_id: run } = document;
  const open = (await client.desk.questions({ run })).filter((question) => ASKED.has(question.kind));
  const forms = open.map((row) => [row.id, questionForm(row, problems[row.id] ?? row.problem)] as const);
  const requests = approvalsIn(document.waiting_for);
  const ask = { ...Object.fromEntries(forms), ...(await approvalForms(client, requests)) };
  return Object.keys(ask).length === 0 ? undefined : { ask, state: { run } };
}

/** Forms for those of some requests that the client's role may answer and has not. */
export async function approvalForms(
  { desk, role }: McpClient,
  ids: readonly string[],
): Promise<Readonly<Record<string, McpQuestion>>> {
  if (ids.length === 0) return {};
  const rows = await desk.approvals({ state: 'pending', client: { role } });
  const wanted = rows.filter((row) => ids.includes(row.id));
  return Object.fromEntries(wanted.map((row) => [`${APPROVAL}${row.id}`, approvalForm(row)]));
}

/**
 * Gives the desk what the person at the client said; what they declined stays open. Says what was not taken, by question, and
 * whether anything was said at all.
 */
export async function takeAnswers(
  client: McpClient,
  run: string | undefined,
  context: McpCallContext,
  options: CallOptions,
): Promise<{ readonly said: boolean; readonly problems: Problems }> {
  const given = Object.entries(context.answers).flatMap(([key, answer]) =>
    answer.kind === 'form' && answer.action === 'accept' ? [[key, answer.content] as const] : [],
  );
  const open = run === undefined ? [] : await client.desk.questions({ run });
  const problems: Record<string, string> = {};
  for (const [key, content] of given) {
    if (key.startsWith(APPROVAL)) {
      await decide(client, key.slice(APPROVAL.length), content);
      continue;
    }
    const row = open.find((question) => question.id === key);
    if (row === undefined) continue;
    const answer = answerIn(row, content);
    try {
      await client.desk.answerQuestion({ id: key, answer, by: 'mcp client' }, options);
    } catch (error) {
      // What was answered meanwhile by somebody else is no question any more.
      if (error instanceof Conflict) continue;
      if (!(error instanceof InvalidInput)) throw error;
      problems[key] = error.message;
    }
  }
  return { said: given.length > 0, problems };
}

async function decide(
  { desk, role }: McpClient,
  id: string,
  content: Readonly<Record<string, unknown>> | undefined,
): Promise<void> {
  const { decision, note } = approvalIn(content);
  try {
    await desk.decide({ id, decision, note, client: { role } });
  } catch (error) {
    // Somebody else was faster, or the time is over: the call itself says what became of it.
    if (!(error instanceof Conflict) && !(error instanceof PermissionDenied)) throw error;
  }
}

/** Requests for approval that pauses wait for, those of runs that were begun in turn too. */
function approvalsIn(pauses: unknown): readonly string[] {
  if (!Array.isArray(pauses)) return [];
  return pauses.flatMap((pause: unknown) => {
    const { approval_id: own, details } = Object(pause) as {
      readonly approval_id?: unknown;
      readonly details?: unknown;
    };
    const { approval_id: inner, waiting_for } = Object(details) as {
      readonly approval_id?: unknown;
      readonly waiting_for?: unknown;
    };
    return [...[own, inner].filter((id) => typeof id === 'string'), ...approvalsIn(waiting_for)];
  });
}
