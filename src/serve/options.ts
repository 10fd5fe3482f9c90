import type { Clock } from '../kit/clock.ts';
import type { Logger, LogLevel } from '../kit/logger.ts';
import type { BoundTool } from '../kit/tool.ts';
import type { CrewModel } from '../crew/index.ts';
import type { McpClientOptions } from './mcp-servers.ts';

/** What a controller is made with; everything has a default. Options win over environment, environment over YAML. */
export interface ControllerOptions {
  /** Folder with system.yaml and its fellows; default: the working directory when it has them, else the shipped ones. */
  readonly config?: string | undefined;
  /** Folder of databases and tape; default `data`. */
  readonly dataDir?: string | undefined;
  /** `sim`, `live` or `tape:DIR`. */
  readonly source?: string | undefined;
  /** Venues (`binance`), venue markets (`binance_futures`), or `all`. */
  readonly exchanges?: readonly string[] | undefined;
  readonly symbols?: readonly string[] | undefined;
  /** `playbook`, `openai:…`, `anthropic:…`, `ollama:…`, or a model of your own (`{ name, source: 'llm', chat }` with a LangChain chat model). */
  readonly model?: string | CrewModel | undefined;
  /** Tools of your own, beside the desk's. */
  readonly tools?: readonly BoundTool[] | undefined;
  /** MCP servers of others, beside those of system.yaml, and who answers them. */
  readonly mcp?: McpClientOptions | undefined;
  /** Agents propose instead of acting. */
  readonly shadow?: boolean | undefined;
  readonly simulator?:
    | { readonly seed?: number | undefined; readonly faults?: string | undefined; readonly speed?: number | undefined }
    | undefined;
  readonly logLevel?: LogLevel | undefined;
  /** Takes each log line, with its line break; default: stderr. */
  readonly writeLog?: ((line: string) => void) | undefined;
  /** Environment for overrides and secrets; default the process's. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  readonly log?: Logger | undefined;
  readonly clock?: Clock | undefined;
  /** 0–1, for jitter and ids. */
  readonly random?: (() => number) | undefined;
  /** Serve the control address (and write controller.json) while started; default true. */
  readonly control?: boolean | undefined;
}

export interface StartOptions {
  /** Agents propose instead of acting. Default: the constructor's, else false. */
  readonly shadow?: boolean | undefined;
  /** Behaviours and continuous tasks run by themselves; default true. */
  readonly autonomous?: boolean | undefined;
  /** Only the behaviours of these crews; default: of all. */
  readonly crews?: readonly string[] | undefined;
  /** Connect the collectors; default true. Without, the market database is open and nothing comes in. */
  readonly collect?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface StopReport {
  readonly status: 'stopped' | 'not_running';
  readonly uptime_seconds: number | null;
  /** What could not be written or closed, as on a full disk; empty when everything was flushed. */
  readonly failures: readonly string[];
}
