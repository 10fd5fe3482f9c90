/**
 * What we serve over MCP, in our own words; `adapter.ts` alone knows the SDK. JSON Schemas are plain objects.
 */
export type McpContent =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image' | 'audio'; readonly data: string; readonly mimeType: string }
  | { readonly type: 'resource'; readonly resource: McpResourceContent };

export type McpResourceContent = { readonly uri: string; readonly mimeType?: string } & (
  | { readonly text: string }
  | { readonly blob: string }
);

export interface McpToolResult {
  readonly content: readonly McpContent[];
  readonly structuredContent?: Readonly<Record<string, unknown>> | undefined;
  readonly isError?: boolean | undefined;
}

/** Something that only the client can give: a form filled in by its person, a text of its model, its folders. */
export type McpQuestion =
  | { readonly kind: 'form'; readonly message: string; readonly schema: Readonly<Record<string, unknown>> }
  | { readonly kind: 'model'; readonly prompt: string; readonly maxTokens: number }
  | { readonly kind: 'roots' };

/** What the client gave. It comes from outside: `content` was not held against the form's schema. */
export type McpAnswer =
  | {
      readonly kind: 'form';
      readonly action: 'accept' | 'decline' | 'cancel';
      readonly content?: Readonly<Record<string, unknown>> | undefined;
    }
  | { readonly kind: 'model'; readonly text: string }
  | { readonly kind: 'roots'; readonly uris: readonly string[] };

/**
 * Ends a round: the client answers, and the handler is called again with the same arguments, the answers by key and the
 * state that it gave here (JSON; sealed, but readable by the client). So ask before you act.
 */
export interface McpInputNeeded {
  readonly ask: Readonly<Record<string, McpQuestion>>;
  readonly state?: unknown;
}

/** What a handler knows and can do while it works. */
export interface McpCallContext {
  readonly signal: AbortSignal;
  /** Answers to what the handler asked in the round before, by key. */
  readonly answers: Readonly<Record<string, McpAnswer>>;
  /** What the handler kept in the round before; undefined in the first. */
  readonly state: unknown;
  /** What the client says it can answer. Asking for more fails the call. */
  readonly client: { readonly form: boolean; readonly model: boolean; readonly roots: boolean };
  /** 0–1, or any rising number with a total; does nothing when the client asked for no progress. */
  progress(progress: number, total?: number, message?: string): Promise<void>;
  log(level: 'debug' | 'info' | 'warning' | 'error', message: string): Promise<void>;
  /** Ends the answer's stream early; the client comes back for the rest. Only over resumable HTTP. */
  closeStream(): void;
}

/** Something that a client may have listed or read before is not as it was. */
export type McpChange =
  | { readonly kind: 'tools' | 'prompts' | 'resources' }
  | { readonly kind: 'resource'; readonly uri: string };

export interface McpTool {
  readonly name: string;
  readonly title?: string | undefined;
  readonly description: string;
  readonly inputSchema: Readonly<Record<string, unknown>>;
  readonly outputSchema?: Readonly<Record<string, unknown>> | undefined;
  readonly annotations?:
    | {
        readonly readOnlyHint?: boolean;
        readonly destructiveHint?: boolean;
        readonly idempotentHint?: boolean;
        readonly openWorldHint?: boolean;
      }
    | undefined;
  call(args: Readonly<Record<string, unknown>>, context: McpCallContext): Promise<McpToolResult | McpInputNeeded>;
}

export interface McpResource {
  readonly uri: string;
  readonly name: string;
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  readonly mimeType?: string | undefined;
}

export interface McpResourceTemplate extends Omit<McpResource, 'uri'> {
  readonly uriTemplate: string;
}

export interface McpPrompt {
  readonly name: string;
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  readonly arguments?:
    | readonly { readonly name: string; readonly description?: string; readonly required?: boolean }[]
    | undefined;
  get(
    args: Readonly<Record<string, string>>,
    context: McpCallContext,
  ): Promise<readonly McpPromptMessage[] | McpInputNeeded>;
}

export interface McpPromptMessage {
  readonly role: 'user' | 'assistant';
  readonly content: McpContent;
}

/** Everything one server offers. Lists are asked anew at each request, so what a client may see can change. */
export interface McpSurface {
  readonly name: string;
  readonly version: string;
  readonly instructions?: string | undefined;
  tools(): Promise<readonly McpTool[]>;
  resources(): Promise<readonly McpResource[]>;
  resourceTemplates(): Promise<readonly McpResourceTemplate[]>;
  /** Undefined: there is no such resource. */
  read(uri: string): Promise<readonly McpResourceContent[] | undefined>;
  prompts(): Promise<readonly McpPrompt[]>;
  /** Completions of a prompt's or template's argument. */
  complete(request: {
    readonly kind: 'prompt' | 'resource';
    readonly name: string;
    readonly argument: string;
    readonly value: string;
  }): Promise<readonly string[]>;
  /**
   * Tells of changes until the signal aborts; without it the surface says that it never changes. `watched` gives the
   * uris that clients subscribed to, undefined when that is not known (any may be).
   */
  changes?(
    listener: (change: McpChange) => void,
    options: { readonly signal: AbortSignal; readonly watched: () => ReadonlySet<string> | undefined },
  ): Promise<void>;
}
