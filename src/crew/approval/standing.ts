import { z } from 'zod';
import type { Ms } from '../../kit/clock.ts';
import { InvalidInput } from '../../kit/errors.ts';
import { canonicalJson } from '../../kit/json.ts';
import type { Database } from '../../infra/duckdb/database.ts';
import { fitsPattern } from '../config/mcp-schema.ts';
import { jsonText, jsonValue, microseconds, msOf } from '../ops-values.ts';

/** How far an approval reaches beyond its one call. */
export interface StickyTerms {
  /** At most 30 days. */
  readonly forMs: Ms;
  /** Patterns with `*` for fields that may differ, as in `{ symbol: 'BTC*' }`; all other fields stay as they are. */
  readonly allow: Readonly<Record<string, string>>;
  /** Calls that it covers; null: any number. */
  readonly uses: number | null;
}

const Field = z.union([z.strictObject({ is: z.unknown() }), z.strictObject({ like: z.string() })]);
/** What each field of the arguments must be. */
export type ArgumentPattern = Readonly<Record<string, z.output<typeof Field>>>;

/** An approval that covers further calls of one caller and tool. Times are UTC ms. */
export interface StandingApproval {
  readonly id: string;
  readonly tool: string;
  readonly caller: string;
  readonly pattern: ArgumentPattern;
  readonly granted_by: readonly string[];
  readonly granted_at: Ms;
  readonly expires_at: Ms;
  /** Calls that are left; null: any number. */
  readonly uses_left: number | null;
  /** The request whose answer it was. */
  readonly request_id: string;
  readonly revoked_at: Ms | null;
  readonly revoked_by: string | null;
}

const LONGEST: Ms = 30 * 86_400_000;

/** Throws InvalidInput for terms that are too long, cover no call or allow a field that the call does not have. */
export function checkTerms({ forMs, allow, uses }: StickyTerms, args: unknown): void {
  if (!(forMs > 0 && forMs <= LONGEST))
    throw new InvalidInput(`a standing approval lasts above 0 and at most 30 days, not ${forMs / 86_400_000}`);
  if (uses !== null && !(Number.isInteger(uses) && uses >= 1))
    throw new InvalidInput(`a standing approval covers at least one call, not ${uses}`);
  const fields = Object.keys(asFields(args));
  const unknown = Object.keys(allow).find((field) => !fields.includes(field));
  if (unknown !== undefined)
    throw new InvalidInput(`the call has no field '${unknown}'; its fields: ${fields.join(', ') || 'none'}`);
}

/** The pattern of a call with some of its fields loosened. */
export function patternOf(args: unknown, allow: StickyTerms['allow']): ArgumentPattern {
  return Object.fromEntries(
    Object.entries(asFields(args)).map(([field, value]) => {
      const like = Object.hasOwn(allow, field) ? allow[field] : undefined;
      return [field, like === undefined ? { is: value } : { like }] as const;
    }),
  );
}

/** Whether a call's arguments have the pattern's fields and no others, each as it says. Only texts and numbers match `*`. */
export function fits(pattern: ArgumentPattern, args: unknown): boolean {
  const fields = asFields(args);
  if (Object.keys(fields).some((field) => !Object.hasOwn(pattern, field))) return false;
  return Object.entries(pattern).every(([field, wanted]) => {
    if (!Object.hasOwn(fields, field)) return false;
    const value = fields[field];
    if ('is' in wanted) return canonicalJson(value) === canonicalJson(wanted.is);
    return (typeof value === 'string' || typeof value === 'number') && fitsPattern(wanted.like, String(value));
  });
}

function asFields(args: unknown): Readonly<Record<string, unknown>> {
  return typeof args === 'object' && args !== null && !Array.isArray(args)
    ? Object.fromEntries(Object.entries(args))
    : {};
}

const TABLE = `CREATE TABLE IF NOT EXISTS standing_approvals (
  id VARCHAR NOT NULL, tool VARCHAR NOT NULL, caller VARCHAR NOT NULL, pattern VARCHAR NOT NULL,
  granted_by VARCHAR NOT NULL, granted_at TIMESTAMP NOT NULL, expires_at TIMESTAMP NOT NULL, uses_left BIGINT,
  request_id VARCHAR NOT NULL, revoked_at TIMESTAMP, revoked_by VARCHAR)`;

const rowSchema = z.object({
  id: z.string(),
  tool: z.string(),
  caller: z.string(),
  pattern: jsonValue.pipe(z.record(z.string(), Field)),
  granted_by: jsonValue.pipe(z.array(z.string())),
  granted_at: msOf,
  expires_at: msOf,
  uses_left: z.number().nullable(),
  request_id: z.string(),
  revoked_at: msOf.nullable(),
  revoked_by: z.string().nullable(),
});

/** The table `standing_approvals`. */
export class StandingStore {
  readonly #db: Database;

  private constructor(db: Database) {
    this.#db = db;
  }

  static async open(db: Database): Promise<StandingStore> {
    if (!db.readOnly) await db.run(TABLE);
    return new StandingStore(db);
  }

  async insert(s: StandingApproval): Promise<void> {
    const at = 'make_timestamp(?::BIGINT)';
    await this.#db.run(`INSERT INTO standing_approvals VALUES (?, ?, ?, ?, ?, ${at}, ${at}, ?, ?, NULL, NULL)`, [
      s.id,
      s.tool,
      s.caller,
      jsonText(s.pattern),
      jsonText(s.granted_by),
      microseconds(s.granted_at),
      microseconds(s.expires_at),
      s.uses_left,
      s.request_id,
    ]);
  }

  /** Newest first. */
  async list(): Promise<readonly StandingApproval[]> {
    const rows = await this.#db.all('SELECT * FROM standing_approvals ORDER BY granted_at DESC, id DESC LIMIT 1000');
    return rows.map((row) => rowSchema.parse(row));
  }

  /** Takes one use of those that are in force and fit the call; undefined when none does. */
  async use(
    call: { readonly tool: string; readonly caller: string; readonly args: unknown },
    now: Ms,
  ): Promise<StandingApproval | undefined> {
    const rows = await this.#db.all(
      `SELECT * FROM standing_approvals WHERE tool = ? AND caller = ? AND revoked_at IS NULL
       AND expires_at > make_timestamp(?::BIGINT) AND (uses_left IS NULL OR uses_left > 0)
       ORDER BY expires_at, id`,
      [call.tool, call.caller, microseconds(now)],
    );
    const found = rows.map((row) => rowSchema.parse(row)).find(({ pattern }) => fits(pattern, call.args));
    if (found === undefined || found.uses_left === null) return found;
    const { changed } = await this.#db.run(
      'UPDATE standing_approvals SET uses_left = uses_left - 1 WHERE id = ? AND uses_left > 0',
      [found.id],
    );
    return changed === 1 ? found : undefined;
  }

  /** False when there is none of the id in force. */
  async revoke(id: string, by: string, at: Ms): Promise<boolean> {
    const { changed } = await this.#db.run(
      'UPDATE standing_approvals SET revoked_at = make_timestamp(?::BIGINT), revoked_by = ? WHERE id = ? AND revoked_at IS NULL',
      [microseconds(at), by, id],
    );
    return changed === 1;
  }
}
