// A model of the AI SDK's interface (LanguageModelV3), for the libraries that are built on it.
const USAGE = {
  inputTokens: { total: 10, noCache: 10, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 5, text: 5, reasoning: 0 },
};

export class LookingModel {
  specificationVersion = 'v3';
  provider = 'bench';
  modelId = 'looking';
  supportedUrls = {};
  turns = 1;

  #next(prompt) {
    const asked = prompt.filter(({ role }) => role === 'tool').length;
    if (asked >= this.turns) return { text: 'done', reason: 'stop' };
    return {
      call: { type: 'tool-call', toolCallId: `call_${asked}`, toolName: 'look', input: JSON.stringify({ i: asked }) },
      reason: 'tool-calls',
    };
  }

  async doGenerate({ prompt }) {
    const { text, call, reason } = this.#next(prompt);
    return {
      content: [call ?? { type: 'text', text }],
      finishReason: { unified: reason, raw: undefined },
      usage: USAGE,
      warnings: [],
    };
  }

  async doStream({ prompt }) {
    const { text, call, reason } = this.#next(prompt);
    const parts = [
      { type: 'stream-start', warnings: [] },
      ...(call === undefined
        ? [
            { type: 'text-start', id: '1' },
            { type: 'text-delta', id: '1', delta: text },
            { type: 'text-end', id: '1' },
          ]
        : [call]),
      { type: 'finish', finishReason: { unified: reason, raw: undefined }, usage: USAGE },
    ];
    const stream = new ReadableStream({
      start(controller) {
        for (const part of parts) controller.enqueue(part);
        controller.close();
      },
    });
    return { stream };
  }
}
