/**
 * The desk inside your own program.
 *
 * @example
 * ```ts
 * import { CrewController } from 'orderflow-crew';
 *
 * await using controller = new CrewController({ source: 'sim', dataDir: 'data' });
 * controller.on('data.gap_detected', ({ data }) => console.log(data));
 * await controller.start({ shadow: true });
 * const report = await controller.kickoff('data-ops');
 * ```
 */
export { CrewController } from './serve/controller.ts';
export type {
  AgentRow,
  ApprovalRow,
  BehaviourRow,
  CallToolRequest,
  ControllerState,
  CrewRow,
  Desk,
  DeskHealth,
  DeskStatus,
  EventsQuery,
  KickoffRequest,
  PermissionRow,
  RunDocument,
  ShadowReport,
  StreamRow,
  TaskRow,
  ToolDetail,
  ToolRow,
} from './serve/desk.ts';
export type { StreamQuery } from './events/index.ts';
export { STREAM_CHANNELS, type StreamChannel, type StreamItem } from './kit/stream-item.ts';
export type { RunStream } from './crew/code/local-stream.ts';
export type { StreamRunOptions } from './serve/streaming.ts';
export { openDesk } from './serve/open.ts';
export type { McpClientOptions } from './serve/mcp-servers.ts';
export type { ControllerOptions, StartOptions, StopReport } from './serve/options.ts';
export * from './kit/errors.ts';
export { type AnyEvent, EVENT_NAMES, type EventEnvelope, type EventName, type EventPayload } from './kit/event.ts';
export type { ToolFailure, ToolOutcome, ToolProposal, ToolSuccess } from './kit/invoke.ts';
export {
  bindTools,
  defineTool,
  type BoundTool,
  type Provenance,
  type Tool,
  type ToolContext,
  type ToolResult,
} from './kit/tool.ts';
