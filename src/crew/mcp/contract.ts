import type { ToolCategory, AccessLevel } from '../../kit/access.ts';

/** A tool as its server describes it. Everything in it comes from outside. */
export interface ForeignTool {
  readonly name: string;
  readonly title?: string | undefined;
  readonly description: string;
  readonly inputSchema: Readonly<Record<string, unknown>>;
  readonly outputSchema?: Readonly<Record<string, unknown>> | undefined;
  readonly annotations?: Readonly<Record<string, unknown>> | undefined;
}

/** What a call gave, cut to the size allowed. */
export interface ForeignResult {
  readonly text: string;
  /** Null: none was sent, or it was too large. */
  readonly structured: Readonly<Record<string, unknown>> | null;
  /** Kinds of content that are not text, with their MIME types. */
  readonly other: readonly string[];
  readonly truncated: boolean;
}

export interface ForeignResource {
  readonly uri: string;
  readonly name: string;
  readonly description: string | null;
  readonly mime_type: string | null;
}

export interface ForeignPrompt {
  readonly name: string;
  readonly description: string | null;
  readonly arguments: readonly {
    readonly name: string;
    readonly description: string | null;
    readonly required: boolean;
  }[];
}

/** A question of a server to the person who uses it. */
export interface ElicitRequest {
  readonly server: string;
  readonly message: string;
  /** Flat JSON Schema of the form; null when the server wants a page opened. */
  readonly schema: Readonly<Record<string, unknown>> | null;
  readonly url: string | null;
}

export interface ElicitAnswer {
  readonly action: 'accept' | 'decline' | 'cancel';
  readonly content?: Readonly<Record<string, string | number | boolean | string[]>> | undefined;
}

/** A question of a server to a model. */
export interface SampleRequest {
  readonly server: string;
  readonly system: string | null;
  readonly messages: readonly { readonly role: 'user' | 'assistant'; readonly text: string }[];
  readonly maxTokens: number;
}

/** Who answers what servers ask. Without `elicit` every form is declined; without `sample` no server may ask a model. */
export interface ForeignAnswers {
  readonly elicit?: ((request: ElicitRequest, signal: AbortSignal) => Promise<ElicitAnswer>) | undefined;
  readonly sample?:
    | ((request: SampleRequest, signal: AbortSignal) => Promise<{ readonly text: string; readonly model: string }>)
    | undefined;
}

/**
 * `accepted`: agents may use it. `new`: assigned, nobody accepted it yet. `changed`: not as it was accepted, refused.
 * `unassigned`: system.yaml gives it no category and level, denied. `unusable`: its name or schema cannot be used.
 * `gone`: accepted, and the server no longer has it.
 */
export type ForeignToolState = 'accepted' | 'new' | 'changed' | 'unassigned' | 'unusable' | 'gone';

export interface ForeignToolRow {
  /** `server__tool`, as agents name it. */
  readonly id: string;
  readonly server: string;
  readonly tool: string;
  readonly state: ForeignToolState;
  readonly category: ToolCategory | null;
  readonly level: AccessLevel | null;
  readonly description: string;
  /** Of name, description and schemas as the server gives them now. */
  readonly hash: string;
  readonly accepted_hash: string | null;
  readonly accepted_by: string | null;
  readonly accepted_at: string | null;
  /** Why it is unusable, or which parts changed. */
  readonly note: string | null;
}

export interface ForeignServerRow {
  readonly id: string;
  readonly transport: 'stdio' | 'http';
  readonly target: string;
  readonly state: 'idle' | 'connected' | 'failed';
  readonly protocol: string | null;
  readonly accepted: number;
  readonly last_error: string | null;
}
