/** The framework alone: agents, tasks and crews as state graphs. Knows no markets. */
export { Annotation, Command, END, MemorySaver, START, Send, StateGraph, interrupt } from '@langchain/langgraph';
export type { Proposal, TaskToolCall } from './agent/call.ts';
export type { GuardrailSubject, GuardrailVerdict, JudgedRule, TaskGuardrail } from './agent/guardrail.ts';
export { type CrewMemory, crewMemory, type RunMemory } from './agent/memory.ts';
export type {
  Consolidation,
  Memory,
  MemoryAuthor,
  MemoryFilter,
  MemoryKind,
  MemoryStorage,
  NewMemory,
  Recalled,
  RecallOptions,
  Receipt,
  Remembered,
} from './memory/contract.ts';
export { type KnowledgeBase, type KnowledgeOptions, type KnowledgeSettings, openKnowledge } from './knowledge/base.ts';
export { openWebReader, type WebReader } from './knowledge/web.ts';
export { createMemoryStorage } from './memory/memory-storage.ts';
export { openMemoryFile } from './memory/open-file.ts';
export type { MemorySettings, VaultOptions } from './memory/parts.ts';
export type { TenantMemory } from './memory/tenant.ts';
export { type MemoryVault, openMemoryVault } from './memory/vault.ts';
export { createEmbedder, type EmbedderOptions } from './retrieval/embedder.ts';
export type { Embedder } from './retrieval/vector.ts';
export type { TaskOutput } from './agent/output.ts';
export { openApprovals } from './approval/approvals.ts';
export type { AnswerTerms, ApprovalMode, ApprovalOptions, Approvals } from './approval/contract.ts';
export { createPeople, type People, type Person } from './approval/people.ts';
export { type ApprovalPolicy, createApprovalPolicy } from './approval/policy.ts';
export type { ApprovalRule } from './approval/rules.ts';
export type { StandingApproval, StickyTerms } from './approval/standing.ts';
export { APPROVAL_STATES, type ApprovalRequest, type ApprovalState } from './approval/store.ts';
export { type AuditQuery, openAudit, type StoredAudit } from './audit/log.ts';
export {
  CONFIG_FILES,
  type ConfigOptions,
  configHome,
  type CrewConfig,
  hasConfig,
  loadConfig,
  type Sections,
} from './config/load.ts';
export { type Crew, type CrewResult, defineCrew } from './code/crew.ts';
export type { CrewDefinition, CrewParts } from './code/parts.ts';
export type { FieldSource, OutsidePolicy, OutsideRule } from '../kit/outside.ts';
export {
  type Agent,
  type AgentDefinition,
  type AnyTask,
  type CodeGuardrail,
  defineAgent,
  defineTask,
  type Task,
  type TaskDefinition,
} from './code/define.ts';
export { askWith, type ShownQuestion, type TaskAsk } from './code/task-ask.ts';
export type { CodeQuestion, ShowContext, TaskAnswer, TaskAnswers } from './question/task-question.ts';
export { type CodeTool, defineToolset, type Toolset } from './code/toolset.ts';
export { type CrewHost, type HostOptions, openCrewHost } from './code/host.ts';
export type { CodeTripwire, CodeTripwires } from './code/tripwires.ts';
export {
  type Trip,
  type TripwireCheck,
  type TripwireInput,
  type TripwirePlace,
  type TripwireSubject,
  TripwireTripped,
  type TripwireVerdict,
} from './tripwire/contract.ts';
export type { InputsFor, PlaceholdersOf } from './code/infer.ts';
export type { ApprovalQuestion, ApprovalReply } from './code/local-stages.ts';
export { findCrewModule } from './config/crew-module.ts';
export { loadToolModules } from './config/tool-modules.ts';
export { openPostgresCheckpoints } from './checkpoint/postgres.ts';
export { DuckDBSaver } from './checkpoint/saver.ts';
export type { CheckpointStore } from './checkpoint/store.ts';
export type { KnownTool } from './config/known-tool.ts';
export { placeholders } from './agent/prompt.ts';
export { type ConfigKey, configReference, jsonSchemas, systemKeys } from './config/reference.ts';
export { type BehaviourSettings, type SystemConfig, systemSchema } from './config/system-schema.ts';
export type {
  Behaviour,
  BehaviourContext,
  BehaviourDefinition,
  BehaviourTrigger,
  SampleContext,
} from './behaviour/define.ts';
export { defineBehaviour } from './behaviour/define.ts';
export type { BehaviourEngine, BehaviourEngineDeps } from './behaviour/engine.ts';
export { createBehaviourEngine } from './behaviour/engine.ts';
export type { BehaviourStatus } from './behaviour/status.ts';
export type { BehaviourStore } from './behaviour/store.ts';
export { createBehaviourStore } from './behaviour/store.ts';
export type { FlowContext } from './flow/context.ts';
export type { FlowState } from './flow/state.ts';
export type { FlowOptions, FlowRunner, FlowRunnerDeps } from './flow/contract.ts';
export { defineFlow, type FlowDefinition, type FlowMethodDefinition, type FlowSchedule } from './flow/define.ts';
export type { FlowDocument, FlowMethodRecord, FlowPause, FlowRunStatus } from './flow/document.ts';
export { flowFromSpec } from './flow/from-spec.ts';
export type { FlowMigration, MigratingFlow } from './flow/migration.ts';
export { flowMermaid, flowSvg } from './flow/plot.ts';
export { createFlowRunner } from './flow/runner.ts';
export { type Ask, defineQuestion, type Question } from '../kit/question.ts';
export { ask } from './question/ask.ts';
export { createFlowStore, createMemoryFlowStore, type FlowStore } from './flow/store.ts';
export { all, any, type FlowTrigger } from './flow/trigger.ts';
export type { CrewGraphBuilder, CrewGraphDefinition, CrewMessage, CrewNode, TaskNodeOptions } from './graph/define.ts';
export { defineCrewGraph } from './graph/define.ts';
export type { CrewGraphState, CrewGraphUpdate, CrewIssue } from './graph/state.ts';
export { CrewState } from './graph/state.ts';
export { type AgentStep, type AnswerPiece, type ConditionContext, type CrewHooks, defineCrewHooks } from './hooks.ts';
export type { Migration, MigratingRun } from './run/migration.ts';
export type { StructureChange } from './graph/structure-diff.ts';
export type { KnowledgePassage, KnowledgeSource } from './agent/knowledge.ts';
export { openSkills, type Skill, type SkillShelf } from './agent/skills.ts';
export { type CrewAiProject, readCrewAiProject } from './import/project.ts';
export { type Skeleton, skeletonOf } from './import/typescript.ts';
export { openLedger, type StoredLedger, type UnknownEffect } from './ledger/ledger.ts';
export type { CreateModelOptions } from './model/create.ts';
export { createModel } from './model/create.ts';
export type { CrewModel, ModelSource } from './model/model.ts';
export type { ModelSourceOptions } from './model/source.ts';
export { createModelSource } from './model/source.ts';
export type { ModelUsage } from './model/usage.ts';
export {
  agentCaller,
  createPermissionGate,
  type ExplainingGate,
  type GuardedAgent,
  type PermissionExplanation,
  type PermissionGateOptions,
} from './permission/gate.ts';
export { type Grant, type GrantStore, openGrants } from './permission/grants.ts';
export type {
  Observation,
  Playbook,
  Lesson,
  RecalledNote,
  PlaybookContext,
  PlaybookPolicy,
  PlaybookStep,
  TaskResult,
} from './playbook.ts';
export { definePlaybook } from './playbook.ts';
export {
  openProposals,
  type ProposalQuery,
  type ProposalScorer,
  type ProposalSummary,
  type ProposedAction,
  type StoredProposals,
} from './proposal/log.ts';
export { type Evaluation, type EvaluationCase, parseEvaluation } from './evaluate/cases.ts';
export { evaluate, type EvaluationReport, type ScoredCase, type ScoredRun } from './evaluate/evaluate.ts';
export { createJudge, type Judge, type Judgement } from './evaluate/judge.ts';
export { type CheckResult, similarity } from './evaluate/score.ts';
export { type Feedback, type FeedbackSource, type FeedbackStore, openFeedback } from './feedback/store.ts';
export { type Drawing, drawingMermaid, drawingSvg } from './drawing.ts';
export { crewDrawing } from './graph/draw.ts';
export type { RunStream, RunStreamOptions } from './code/local-stream.ts';
export { STREAM_CHANNELS, type StreamChannel, type StreamItem } from '../kit/stream-item.ts';
export type { ContinuousCrew, ContinuousOptions, ContinuousTask, Signal } from './run/continuous-contract.ts';
export type {
  Answers,
  CrewRunner,
  CrewRunnerDeps,
  EachResult,
  ForEachOptions,
  ForkOptions,
  KickoffOptions,
  StartedRun,
} from './run/contract.ts';
export type { DocumentExtras, RunDocument, RunPause, RunStatus, RunTask } from './run/document.ts';
export { diffRuns } from './run/diff.ts';
export type { Difference } from '../kit/difference.ts';
export type { EventHandler, EventSource, NamedEventSource } from './run/event-source.ts';
export type { RunEdit, RunStep } from './run/fork.ts';
export { createOutputWriter } from './run/output-file.ts';
export { soloCrewId, type SoloRequest } from './run/solo.ts';
export { openRunsFile, type RequestParts, type RunsFile } from './run/open-file.ts';
export { createMemoryRunStore } from './run/memory-store.ts';

export { createCrewRunner } from './run/runner.ts';
export type { RunQuery, RunRow, RunStore } from './run/store.ts';
export { createRunStore } from './run/store.ts';
export type { AgentSpec, CrewSpec, MemorySpec, RoleSpec, TaskCondition, TaskSpec, TaskTrigger } from './spec.ts';
export { type Budget, BudgetExceeded } from './spend/budget.ts';
export {
  type BudgetDecision,
  type CallLedger,
  type CallQuery,
  type ModelCall,
  type UsageGroup,
  type UsageRow,
} from './spend/call.ts';
export { createSpendMeter, type SpendOptions, type SpendParts } from './spend/create.ts';
export { openCallLedger } from './spend/ledger.ts';
export type { SpendMeter } from './spend/meter.ts';
export type { ModelPrice } from './spend/price-list.ts';
export { type CrewRecords, createCrewRecords, type Decision } from './state/records.ts';
export type { FlowSave, FlowStatus } from './state/flows.ts';
export type { Finding, KnowledgeQuery } from './state/knowledge.ts';
export type { MemoryLimits, MemoryOptions } from './state/memory.ts';
export type { Message } from './state/messages.ts';
export {
  bindTools,
  type BoundTool,
  defineTool,
  type Provenance,
  type Tool,
  type ToolContext,
  type ToolResult,
} from '../kit/tool.ts';
export {
  AppError,
  InvalidInput,
  NotFound,
  PermissionDenied,
  RateLimited,
  Unavailable,
  Unsupported,
  StopRequested,
} from '../kit/errors.ts';
