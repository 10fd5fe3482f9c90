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

/** What a handler can do while it works. */
export interface McpCallContext {
  readonly signal: AbortSignal;
  /** 0–1, or any rising number with a total; does nothing when the client asked for no progress. */
  progress(progress: number, total?: number, message?: string): Promise<void>;
  log(level: 'debug' | 'info' | 'warning' | 'error', message: string): Promise<void>;
  /** Asks the client's model. Rejects when the client cannot. */
  sample(request: { readonly prompt: string; readonly maxTokens: number }): Promise<string>;
  /** Asks the person behind the client. Rejects when the client cannot. */
  elicit(request: {
    readonly message: string;
    readonly schema: Readonly<Record<string, unknown>>;
  }): Promise<{ readonly action: string; readonly content?: Readonly<Record<string, unknown>> | undefined }>;
  /** Ends the answer's stream early; the client comes back for the rest. Only over resumable HTTP. */
  closeStream(): void;
}

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
  call(args: Readonly<Record<string, unknown>>, context: McpCallContext): Promise<McpToolResult>;
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
  ): Promise<readonly { readonly role: 'user' | 'assistant'; readonly content: McpContent }[]>;
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
}
