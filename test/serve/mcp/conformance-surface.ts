import type { McpChange, McpContent, McpPrompt, McpSurface, McpTool } from '../../../src/serve/mcp/surface.ts';
import { askingPrompt, askingTools, form } from './conformance-asking.ts';

/** The tools, resources and prompts that the protocol's conformance suite asks a test server to have. */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==';
const WAV = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=';

const nothing = { type: 'object', properties: {} };
const text = (value: string): McpContent => ({ type: 'text', text: value });
const image: McpContent = { type: 'image', data: PNG, mimeType: 'image/png' };
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 50));

function simple(name: string, content: readonly McpContent[]): McpTool {
  return { name, description: `Gives ${name}.`, inputSchema: nothing, call: () => Promise.resolve({ content }) };
}

const tools: readonly McpTool[] = [
  simple('test_simple_text', [text('This is a simple text response for testing.')]),
  simple('test_image_content', [image]),
  simple('test_audio_content', [{ type: 'audio', data: WAV, mimeType: 'audio/wav' }]),
  simple('test_embedded_resource', [
    {
      type: 'resource',
      resource: {
        uri: 'test://embedded-resource',
        mimeType: 'text/plain',
        text: 'This is an embedded resource content.',
      },
    },
  ]),
  simple('test_multiple_content_types', [
    text('Multiple content types test:'),
    image,
    {
      type: 'resource',
      resource: {
        uri: 'test://mixed-content-resource',
        mimeType: 'application/json',
        text: '{"test":"data","value":123}',
      },
    },
  ]),
  {
    name: 'test_tool_with_logging',
    description: 'Logs while it works.',
    inputSchema: nothing,
    async call(_args, context) {
      await context.log('info', 'Tool execution started');
      await pause();
      await context.log('info', 'Tool processing data');
      await pause();
      await context.log('info', 'Tool execution completed');
      return { content: [text('done')] };
    },
  },
  {
    name: 'test_logging_tool',
    description: 'Logs a line.',
    inputSchema: nothing,
    async call(_args, context) {
      await context.log('info', 'a line');
      return { content: [text('done')] };
    },
  },
  {
    name: 'test_error_handling',
    description: 'Fails.',
    inputSchema: nothing,
    call: () => Promise.reject(new Error('This tool intentionally returns an error for testing')),
  },
  {
    name: 'test_tool_with_progress',
    description: 'Reports progress.',
    inputSchema: nothing,
    async call(_args, context) {
      for (const done of [0, 50, 100]) {
        await context.progress(done, 100);
        await pause();
      }
      return { content: [text('done')] };
    },
  },
  ...askingTools,
  form('test_elicitation_sep1034_defaults', {
    type: 'object',
    properties: {
      name: { type: 'string', default: 'John Doe' },
      age: { type: 'integer', default: 30 },
      score: { type: 'number', default: 95.5 },
      status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
      verified: { type: 'boolean', default: true },
    },
  }),
  form('test_elicitation_sep1330_enums', {
    type: 'object',
    properties: {
      untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
      titledSingle: {
        type: 'string',
        oneOf: ['First', 'Second', 'Third'].map((title, i) => ({ const: `value${i + 1}`, title: `${title} Option` })),
      },
      legacyEnum: {
        type: 'string',
        enum: ['opt1', 'opt2', 'opt3'],
        enumNames: ['Option One', 'Option Two', 'Option Three'],
      },
      untitledMulti: { type: 'array', items: { type: 'string', enum: ['option1', 'option2', 'option3'] } },
      titledMulti: {
        type: 'array',
        items: {
          anyOf: ['First', 'Second', 'Third'].map((title, i) => ({ const: `value${i + 1}`, title: `${title} Choice` })),
        },
      },
    },
  }),
  {
    name: 'json_schema_2020_12_tool',
    description: 'Tool with JSON Schema 2020-12 features',
    inputSchema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      $defs: { address: { type: 'object', properties: { street: { type: 'string' }, city: { type: 'string' } } } },
      properties: { name: { type: 'string' }, address: { $ref: '#/$defs/address' } },
      additionalProperties: false,
    },
    call: () => Promise.resolve({ content: [text('ok')] }),
  },
  {
    name: 'test_reconnection',
    description: 'Closes its stream before it answers.',
    inputSchema: nothing,
    async call(_args, context) {
      context.closeStream();
      await pause();
      return { content: [text('answered after the stream was closed')] };
    },
  },
];

const resources = [
  { uri: 'test://static-text', name: 'static-text', mimeType: 'text/plain', description: 'A text' },
  { uri: 'test://static-binary', name: 'static-binary', mimeType: 'image/png', description: 'A picture' },
  {
    uri: 'test://watched-resource',
    name: 'watched-resource',
    mimeType: 'text/plain',
    description: 'Something to subscribe to',
  },
];

const prompts: readonly McpPrompt[] = [
  {
    name: 'test_simple_prompt',
    description: 'A prompt',
    get: () => Promise.resolve([{ role: 'user' as const, content: text('This is a simple prompt for testing.') }]),
  },
  {
    name: 'test_prompt_with_arguments',
    description: 'A prompt with arguments',
    arguments: [
      { name: 'arg1', description: 'First', required: true },
      { name: 'arg2', description: 'Second', required: true },
    ],
    get: (args) =>
      Promise.resolve([
        {
          role: 'user' as const,
          content: text(`Prompt with arguments: arg1='${args['arg1'] ?? ''}', arg2='${args['arg2'] ?? ''}'`),
        },
      ]),
  },
  {
    name: 'test_prompt_with_embedded_resource',
    description: 'A prompt with a resource',
    arguments: [{ name: 'resourceUri', description: 'What to embed', required: true }],
    get: (args) =>
      Promise.resolve([
        {
          role: 'user' as const,
          content: {
            type: 'resource' as const,
            resource: {
              uri: args['resourceUri'] ?? '',
              mimeType: 'text/plain',
              text: 'Embedded resource content for testing.',
            },
          },
        },
        { role: 'user' as const, content: text('Please process the embedded resource above.') },
      ]),
  },
  {
    name: 'test_prompt_with_image',
    description: 'A prompt with a picture',
    get: () =>
      Promise.resolve([
        { role: 'user' as const, content: image },
        { role: 'user' as const, content: text('Please analyze the image above.') },
      ]),
  },
  askingPrompt,
];

/** The watched resource changes when it is told to: `change` tells all clients. */
export function createConformanceSurface(): McpSurface & { readonly change: (change: McpChange) => void } {
  const listeners = new Set<(change: McpChange) => void>();
  const change = (what: McpChange): void => {
    for (const listener of listeners) listener(what);
  };
  const triggers = (['tool', 'prompt'] as const).map(
    (kind): McpTool => ({
      name: `test_trigger_${kind}_change`,
      description: `Says that the list of ${kind}s changed.`,
      inputSchema: nothing,
      call() {
        change({ kind: `${kind}s` });
        return Promise.resolve({ content: [text('told')] });
      },
    }),
  );
  return {
    name: 'conformance',
    version: '1.0.0',
    change,
    changes: (listener, { signal }) =>
      new Promise((resolve) => {
        listeners.add(listener);
        signal.addEventListener('abort', () => resolve(void listeners.delete(listener)), { once: true });
      }),
    tools: () => Promise.resolve([...tools, ...triggers]),
    resources: () => Promise.resolve(resources),
    resourceTemplates: () =>
      Promise.resolve([
        {
          uriTemplate: 'test://template/{id}/data',
          name: 'template',
          mimeType: 'application/json',
          description: 'By id',
        },
      ]),
    read(uri) {
      const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1];
      if (id !== undefined)
        return Promise.resolve([
          {
            uri,
            mimeType: 'application/json',
            text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }),
          },
        ]);
      if (uri === 'test://static-text')
        return Promise.resolve([
          { uri, mimeType: 'text/plain', text: 'This is the content of the static text resource.' },
        ]);
      if (uri === 'test://static-binary') return Promise.resolve([{ uri, mimeType: 'image/png', blob: PNG }]);
      if (uri === 'test://watched-resource') return Promise.resolve([{ uri, mimeType: 'text/plain', text: 'watched' }]);
      return Promise.resolve(undefined);
    },
    prompts: () => Promise.resolve(prompts),
    complete: ({ value }) => Promise.resolve(['test-value-1', 'test-value-2'].filter((v) => v.startsWith(value))),
  };
}
