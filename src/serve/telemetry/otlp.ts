import type { EventSource } from '../../crew/index.ts';
import type { Clock, Timer } from '../../kit/clock.ts';
import { errorMessage, Unsupported } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import { VERSION } from '../version.ts';
import { type FinishedSpan, SpanMaker } from './spans.ts';

const PACKAGE = '@opentelemetry/exporter-trace-otlp-http';

/** Spans that wait for the collector at most; beyond it new ones are dropped and counted. */
const MOST_WAITING = 4096;
const BATCH = 512;
const EVERY_MS = 2000;
/** Tries of one batch, each of which the exporter itself repeats for a while. */
const MOST_TRIES = 5;
/** What a collector that does not answer may hold up the end of the process. */
const CLOSE_MS = 5000;

export interface OtlpOptions {
  /** Where spans are sent: the address of the traces themselves, as in http://localhost:4318/v1/traces. */
  readonly url: string;
  readonly serviceName: string;
  readonly source: EventSource;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The part of the package that is used. */
interface Exporter {
  export(spans: readonly unknown[], done: (result: { readonly code: number; readonly error?: Error }) => void): void;
  shutdown(): Promise<void>;
}
interface ExporterPackage {
  readonly OTLPTraceExporter: new (options: { url: string; timeoutMillis: number }) => Exporter;
}

/** The exporter of an endpoint as users name it; null where nothing asks for traces. */
export function tracesUrl(
  endpoint: string | null,
  env: Readonly<Record<string, string | undefined>>,
): { readonly url: string; readonly asked: 'config' | 'env' } | null {
  if (env['OTEL_SDK_DISABLED'] === 'true') return null;
  if (endpoint !== null) return { url: withPath(endpoint), asked: 'config' };
  const own = env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'];
  if (own !== undefined && own !== '') return { url: own, asked: 'env' };
  const base = env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  return base === undefined || base === '' ? null : { url: withPath(base), asked: 'env' };
}

function withPath(base: string): string {
  return `${base.replace(/\/+$/, '')}/v1/traces`;
}

/**
 * Sends a span for every run, task, step, model call and tool call to a collector, in batches, off the path of the work.
 * When the collector fails, that is logged once until it answers again; spans wait within a bound. Throws Unsupported
 * when the package is not installed.
 */
export async function openOtlp(options: OtlpOptions): Promise<AsyncDisposable> {
  const { OTLPTraceExporter } = await loadExporter();
  const exporter = new OTLPTraceExporter({ url: options.url, timeoutMillis: CLOSE_MS });
  return new OtlpSender(exporter, options);
}

async function loadExporter(): Promise<ExporterPackage> {
  try {
    const loaded = (await import(/* @vite-ignore */ PACKAGE)) as ExporterPackage & {
      readonly default?: ExporterPackage;
    };
    return loaded.default ?? loaded;
  } catch (error) {
    throw new Unsupported(`traces need the package ${PACKAGE}: npm install ${PACKAGE}`, { cause: error });
  }
}

class OtlpSender implements AsyncDisposable {
  readonly #exporter: Exporter;
  readonly #options: OtlpOptions;
  readonly #spans: SpanMaker;
  readonly #resource: { readonly attributes: Readonly<Record<string, string>> };
  #waiting: FinishedSpan[] = [];
  #timer: Timer | undefined;
  #sending: Promise<void> | undefined;
  /** Times that the first batch was refused. */
  #refused = 0;
  #dropped = 0;
  #closed: Promise<void> | undefined;

  constructor(exporter: Exporter, options: OtlpOptions) {
    this.#exporter = exporter;
    this.#options = options;
    this.#resource = { attributes: { 'service.name': options.serviceName, 'service.version': VERSION } };
    this.#spans = new SpanMaker((span) => this.#take(span));
    options.source.on('*', this.#spans.hear);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#options.source.off('*', this.#spans.hear);
    this.#timer?.cancel();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_MS);
      timer.unref();
    });
    await Promise.race([this.#drain(), late]);
    clearTimeout(timer);
    if (this.#waiting.length > 0) this.#options.log.warn('otlp.spans_lost', { spans: this.#waiting.length });
    await this.#exporter.shutdown();
  }

  async #drain(): Promise<void> {
    await this.#sending;
    for (let tries = 3; tries > 0 && this.#waiting.length > 0; ) {
      const before = this.#waiting.length;
      await this.#send();
      if (this.#waiting.length >= before) tries -= 1;
    }
  }

  #take(span: FinishedSpan): void {
    if (this.#waiting.length >= MOST_WAITING) {
      this.#dropped += 1;
      return;
    }
    this.#waiting.push(span);
    if (this.#waiting.length >= BATCH && this.#refused === 0) void this.#send();
    else this.#timer ??= this.#options.clock.schedule(EVERY_MS, () => void this.#send());
  }

  #send(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#sending ??= this.#sendBatch().finally(() => {
      this.#sending = undefined;
      if (this.#waiting.length > 0 && this.#closed === undefined)
        this.#timer ??= this.#options.clock.schedule(EVERY_MS, () => void this.#send());
    });
    return this.#sending;
  }

  async #sendBatch(): Promise<void> {
    const batch = this.#waiting.slice(0, BATCH);
    if (batch.length === 0) return;
    const { log, url } = this.#options;
    const problem = await new Promise<unknown>((resolve) => {
      this.#exporter.export(
        batch.map((span) => readable(span, this.#resource)),
        ({ code, error }) => resolve(code === 0 ? null : (error ?? new Error('no reason given'))),
      );
    });
    if (problem !== null) {
      if (this.#refused++ === 0) log.warn('otlp.export_failed', { url, error: errorMessage(problem) });
      // Spans that a collector will not have must not keep those after them for ever.
      if (this.#refused % MOST_TRIES === 0) this.#dropped += this.#waiting.splice(0, batch.length).length;
      return;
    }
    this.#waiting.splice(0, batch.length);
    if (this.#refused > 0) log.info('otlp.export_works_again', { url, dropped: this.#dropped });
    this.#refused = 0;
    this.#dropped = 0;
  }
}

/** A span in the shape that exporters of OpenTelemetry take. */
function readable(span: FinishedSpan, resource: unknown): unknown {
  const context = (spanId: string): unknown => ({ traceId: span.traceId, spanId, traceFlags: 1 });
  return {
    name: span.name,
    kind: span.kind === 'client' ? 2 : 0,
    spanContext: () => context(span.spanId),
    ...(span.parentSpanId === null ? {} : { parentSpanContext: context(span.parentSpanId) }),
    startTime: hrTime(span.start),
    endTime: hrTime(span.end),
    duration: hrTime(span.end - span.start),
    status: { code: span.error === null ? 0 : 2 },
    attributes: span.error === null ? span.attributes : { ...span.attributes, 'error.type': span.error },
    links: [],
    events: [],
    ended: true,
    resource,
    instrumentationScope: { name: 'orderflow-crew', version: VERSION },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** Milliseconds as seconds and nanoseconds. */
function hrTime(ms: number): readonly [seconds: number, nanoseconds: number] {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}
