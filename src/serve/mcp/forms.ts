import { InvalidInput } from '../../kit/errors.ts';
import type { ApprovalRow, QuestionRow } from '../desk.ts';
import type { McpQuestion } from './surface.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Characters of what is shown that a person sees in a form. */
const SHOWN = 3000;
/** What a form's field may say of itself; everything else of a JSON Schema stays with us, who check the answer by it. */
const FIELD_KEYS = ['type', 'title', 'description', 'enum', 'minimum', 'maximum', 'minLength', 'maxLength'];
const SIMPLE: ReadonlySet<unknown> = new Set(['string', 'number', 'integer', 'boolean']);

/** A form for the yes or no to a call. */
export function approvalForm(row: ApprovalRow): McpQuestion {
  const { tool, agent, args, reason, needed, agreed } = row;
  const why = reason === null ? '' : `\n${reason}`;
  const count = needed === 1 ? '' : `\n${agreed.length} of ${needed} have agreed`;
  return {
    kind: 'form',
    message: `${agent} wants to call ${tool} with ${shown(args)}${why}${count}`,
    schema: {
      type: 'object',
      properties: {
        decision: { type: 'string', enum: ['approve', 'reject'], description: 'Whether it may run, once, as shown' },
        note: { type: 'string', description: 'Why', maxLength: 1000 },
      },
      required: ['decision'],
    },
  };
}

/** What a person said in such a form. Throws InvalidInput. */
export function approvalIn(content: Fields | undefined): {
  readonly decision: 'approve' | 'reject';
  readonly note: string | undefined;
} {
  const { decision, note } = content ?? {};
  if (decision !== 'approve' && decision !== 'reject') throw new InvalidInput('a decision is approve or reject');
  return { decision, note: typeof note === 'string' && note !== '' ? note : undefined };
}

/** A form for a review or a question; `problem`: why the answer before was not taken. */
export function questionForm(row: QuestionRow, problem: string | null): McpQuestion {
  const refused = problem === null ? '' : `Not taken: ${problem}\n`;
  if (row.kind === 'human_input') return reviewForm(row, refused);
  const beside = row.shown === null || row.shown === undefined ? '' : `\n${shown(row.shown)}`;
  const message = `${refused}${row.question ?? `${row.where} asks`}${beside}`;
  return { kind: 'form', message, schema: formSchema(row.answer) };
}

/** The answer in such a form. Throws InvalidInput for what is none. */
export function answerIn(row: QuestionRow, content: Fields | undefined): unknown {
  if (row.kind === 'human_input') return reviewIn(row.where, content);
  const { answer } = content ?? {};
  if (row.answer === null) return answer;
  if (isFlat(row.answer)) return content ?? {};
  if (isSimple(row.answer)) return answer;
  try {
    return JSON.parse(String(answer)) as unknown;
  } catch (error) {
    throw new InvalidInput(`the answer to '${row.where}' is not JSON`, { cause: error });
  }
}

function reviewForm({ agent, where, shown: answer }: QuestionRow, refused: string): McpQuestion {
  return {
    kind: 'form',
    message: `${refused}${agent ?? 'The crew'} asks for a review of ${where}:\n${shown(answer)}`,
    schema: {
      type: 'object',
      properties: {
        decision: { type: 'string', enum: ['accept', 'change'], description: 'accept: it is good as it is' },
        feedback: { type: 'string', description: 'What to change, when it is not', maxLength: 4000 },
      },
      required: ['decision'],
    },
  };
}

function reviewIn(where: string, content: Fields | undefined): unknown {
  const { decision, feedback } = content ?? {};
  if (decision === 'accept') return { accept: true };
  if (decision === 'change' && typeof feedback === 'string') return { feedback };
  throw new InvalidInput(`a review of ${where} is accept, or change with feedback`);
}

/** The form of an answer: its own fields where they are simple, else one field that holds it, as JSON if need be. */
function formSchema(schema: Fields | null): Fields {
  const one = (field: Fields): Fields => ({ type: 'object', properties: { answer: field }, required: ['answer'] });
  if (schema === null) return one({ type: 'string', description: 'The answer' });
  if (isFlat(schema)) {
    const fields = Object.entries(propertiesOf(schema)).map(([name, field]) => [name, simpleField(field)] as const);
    const { required } = schema;
    return {
      type: 'object',
      properties: Object.fromEntries(fields),
      ...(Array.isArray(required) ? { required: required.filter((name) => typeof name === 'string') } : {}),
    };
  }
  if (isSimple(schema)) return one(simpleField(schema));
  return one({ type: 'string', description: `JSON that fits ${JSON.stringify(schema)}`.slice(0, SHOWN) });
}

function isFlat(schema: Fields): boolean {
  if (schema['type'] !== 'object') return false;
  const fields = Object.values(propertiesOf(schema));
  return fields.length > 0 && fields.every(isSimple);
}

function propertiesOf(schema: Fields): Fields {
  const { properties } = schema;
  return typeof properties === 'object' && properties !== null ? Object.fromEntries(Object.entries(properties)) : {};
}

function isSimple(field: unknown): boolean {
  const { type, enum: choices } = Object(field) as { readonly type?: unknown; readonly enum?: unknown };
  const texts = choices === undefined || (Array.isArray(choices) && choices.every((c) => typeof c === 'string'));
  return SIMPLE.has(type) && texts;
}

function simpleField(field: unknown): Fields {
  return Object.fromEntries(Object.entries(Object(field) as object).filter(([key]) => FIELD_KEYS.includes(key)));
}

function shown(value: unknown): string {
  return (typeof value === 'string' ? JSON.stringify(value) : JSON.stringify(value, null, 1)).slice(0, SHOWN);
}
