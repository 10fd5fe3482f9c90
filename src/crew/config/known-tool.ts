import type { AccessLevel, ToolCategory } from '../../kit/access.ts';
import type { ToolEffects } from '../../kit/tool.ts';

/** A tool as far as the configuration has to know it. */
export interface KnownTool {
  readonly name: string;
  readonly aliases?: readonly string[] | undefined;
  /** The group that it belongs to; absent: none that an agent could name. */
  readonly toolset?: string | undefined;
  readonly category: ToolCategory;
  readonly access: AccessLevel;
  readonly effects: ToolEffects;
}
