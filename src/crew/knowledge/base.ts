import { existsSync } from 'node:fs';
import type { Clock, Ms } from '../../kit/clock.ts';
import { errorMessage, InvalidInput, Unavailable } from '../../kit/errors.ts';
import type { EventSink } from '../../kit/event.ts';
import type { KnowledgePassage, KnowledgeSource } from '../agent/knowledge.ts';
import type { SystemConfig } from '../config/system-schema.ts';
import { type Match, PassageIndex } from '../retrieval/passage-index.ts';
import type { Embedder } from '../retrieval/vector.ts';
import type { AgentSpec, CrewSpec } from '../spec.ts';
import type { Passage } from './passages.ts';
import { citedName, filesOf, fileStamp, placeOf, readPassages, type SourcePlace } from './source.ts';
import type { WebReader } from './web.ts';

export interface KnowledgeOptions {
  /** Folder that paths are relative to: the configuration's. */
  readonly dir: string;
  readonly clock: Clock;
  readonly events?: EventSink | undefined;
  readonly embedder?: Embedder | undefined;
  /** Reads web pages; without it a source on the web is refused. */
  readonly web?: WebReader | undefined;
  readonly settings?: Partial<KnowledgeSettings> | undefined;
}

export interface KnowledgeSettings {
  /** Passages put before an agent with its task. Default 5. */
  readonly passages: number;
  /** Least likeness to the task, 0–1. Default 0.1. */
  readonly minSimilarity: number;
  /** Time after which a web page is read again. Default 1 hour. */
  readonly webRefreshMs: Ms;
}

/** What users gave agents and crews to know. */
export interface KnowledgeBase extends KnowledgeSource, AsyncDisposable {
  /** Reads what is new or has changed of these sources now. Gives the passages there are. Throws InvalidInput for a source that is not there. */
  refresh(sources: readonly string[], signal?: AbortSignal): Promise<number>;
}

interface Read {
  /** What it was like when it was read: a file's time and size, or the time of reading a page. */
  readonly stamp: string;
  readonly passages: readonly string[];
}

/** The settings that system.yaml gives. */
export function knowledgeSettings(knowledge: SystemConfig['knowledge']): KnowledgeSettings {
  return {
    passages: knowledge.passages,
    minSimilarity: knowledge.min_similarity,
    webRefreshMs: knowledge.web_refresh_minutes * 60_000,
  };
}

const DEFAULTS: KnowledgeSettings = { passages: 5, minSimilarity: 0.1, webRefreshMs: 3_600_000 };

/**
 * Opens the sources that agents and crews name in `knowledge_sources`. They are read at the first question, and again
 * when they have changed; nothing is written. An agent is told from its own sources and its crew's alone.
 */
export function openKnowledge(options: KnowledgeOptions): KnowledgeBase {
  return new Base(options);
}

class Base implements KnowledgeBase {
  readonly #options: KnowledgeOptions;
  readonly #settings: KnowledgeSettings;
  readonly #index: PassageIndex;
  readonly #passages = new Map<string, Passage & { readonly cited: string; readonly source: string }>();
  /** By cited name: a folder's files each have one. */
  readonly #read = new Map<string, Read>();
  /** Reading is one at a time, so that nothing is read twice. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: KnowledgeOptions) {
    this.#options = options;
    this.#settings = { ...DEFAULTS, ...options.settings };
    this.#index = new PassageIndex(options.embedder);
  }

  refresh(sources: readonly string[], signal?: AbortSignal): Promise<number> {
    const next = this.#turn.then(async () => {
      for (const source of sources) await this.#refreshOne(source, signal);
      return this.#passages.size;
    });
    this.#turn = next.catch(() => undefined);
    return next;
  }

  async search(
    query: string,
    who: {
      readonly agent: AgentSpec;
      readonly crew: CrewSpec;
      readonly signal: AbortSignal;
      readonly limit?: number | undefined;
    },
  ): Promise<readonly KnowledgePassage[]> {
    const sources = new Set([...who.agent.knowledge_sources, ...who.crew.knowledge_sources]);
    if (sources.size === 0) return [];
    await this.refresh([...sources], who.signal);
    const { passages, minSimilarity } = this.#settings;
    const allowed = (id: string): boolean => sources.has(this.#passages.get(id)?.source ?? '');
    const matches = await this.#search(query, allowed, who.signal);
    const found = matches
      .filter(({ similarity }) => similarity >= minSimilarity)
      .slice(0, who.limit ?? passages)
      .flatMap(({ id, similarity }) => {
        const passage = this.#passages.get(id);
        if (passage === undefined) return [];
        const { cited, position, title, text } = passage;
        return [{ source: cited, position, text: title === '' ? text : `${title}\n${text}`, score: similarity }];
      });
    this.#options.events?.emit('knowledge.searched', {
      agent_id: who.agent.id,
      found: found.length,
      sources: [...new Set(found.map((passage) => passage.source))],
    });
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#turn;
    await this.#options.web?.[Symbol.asyncDispose]();
  }

  /** By words alone, and with an event, when the embedder cannot be asked. */
  async #search(query: string, allowed: (id: string) => boolean, signal: AbortSignal): Promise<readonly Match[]> {
    try {
      return await this.#index.search(query, { allowed, signal });
    } catch (error) {
      if (!(error instanceof Unavailable)) throw error;
      this.#options.events?.emit('knowledge.failed', { source: 'embedder', error: error.message });
      return this.#index.searchWords(query, allowed);
    }
  }

  async #refreshOne(source: string, signal: AbortSignal | undefined): Promise<void> {
    const place = placeOf(this.#options.dir, source);
    if (typeof place === 'string') {
      // A source that was there and is gone takes its passages with it; one that never was is a mistake.
      const known = [...this.#passages.values()].some((passage) => passage.source === source);
      if (!known) throw new InvalidInput(`knowledge source '${source}': ${place}`);
      this.#forget((passage) => passage.source === source);
      this.#options.events?.emit('knowledge.failed', { source, error: place });
      return;
    }
    if (place.kind === 'web') await this.#refreshPage(source, place, signal);
    else await this.#refreshFiles(source, place.path);
  }

  async #refreshFiles(source: string, path: string): Promise<void> {
    const { dir } = this.#options;
    const files = filesOf(path);
    const names = new Set(files.map((file) => citedName(dir, file)));
    this.#forget((passage) => passage.source === source && !names.has(passage.cited));
    for (const file of files) {
      const cited = citedName(dir, file);
      if (!existsSync(file)) continue;
      const stamp = await fileStamp(file);
      if (this.#read.get(key(source, cited))?.stamp === stamp) continue;
      await this.#take(source, cited, stamp, () => readPassages(file));
    }
  }

  async #refreshPage(
    source: string,
    { url }: Extract<SourcePlace, { readonly kind: 'web' }>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { web, clock } = this.#options;
    if (web === undefined) throw new InvalidInput(`knowledge source '${source}': this host reads no web pages`);
    const known = this.#read.get(key(source, url));
    const now = clock.now();
    if (known !== undefined && now - Number(known.stamp) < this.#settings.webRefreshMs) return;
    await this.#take(source, url, String(now), () => web.read(url, signal));
  }

  /** What could not be read leaves what was read before in its place, and says so; the first reading must succeed. */
  async #take(source: string, cited: string, stamp: string, read: () => Promise<readonly Passage[]>): Promise<void> {
    const known = this.#read.get(key(source, cited));
    let passages: readonly Passage[];
    try {
      passages = await read();
    } catch (error) {
      if (known === undefined) throw error;
      this.#read.set(key(source, cited), { ...known, stamp });
      this.#options.events?.emit('knowledge.failed', { source: cited, error: errorMessage(error) });
      return;
    }
    this.#drop(known?.passages ?? []);
    const ids = passages.map((passage, i) => {
      const id = `${key(source, cited)} ${i}`;
      this.#passages.set(id, { ...passage, cited, source });
      this.#index.set(id, `${passage.title}\n${passage.text}`);
      return id;
    });
    this.#read.set(key(source, cited), { stamp, passages: ids });
    const characters = passages.reduce((sum, passage) => sum + passage.text.length, 0);
    this.#options.events?.emit('knowledge.read', { source: cited, passages: passages.length, characters });
  }

  #forget(gone: (passage: { readonly cited: string; readonly source: string }) => boolean): void {
    for (const [id, passage] of this.#passages) {
      if (!gone(passage)) continue;
      this.#drop([id]);
      this.#read.delete(key(passage.source, passage.cited));
    }
  }

  #drop(ids: readonly string[]): void {
    for (const id of ids) {
      this.#passages.delete(id);
      this.#index.delete(id);
    }
  }
}

function key(source: string, cited: string): string {
  return `${source} ${cited}`;
}
