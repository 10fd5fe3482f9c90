// What the crew does without a language model: by task, the next tool calls or the answer, from what was seen so far.
export default {
  policies: {
    find_largest: ({ inputs, observations }) => {
      const [seen] = observations;
      if (seen === undefined)
        return { calls: [{ tool: 'list_files', args: { folder: inputs.folder }, reason: 'the disk knows the sizes' }] };
      if (!seen.ok) throw new Error(`the files cannot be listed: ${JSON.stringify(seen.result)}`);
      const { files, total_bytes } = seen.result;
      return { answer: { largest: files.slice(0, 5), files: files.length, total_bytes } };
    },
  },
};
