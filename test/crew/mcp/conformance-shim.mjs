/** The client that the official suite starts: it hands the scenario to the test, whose address is the first argument. */
const [, , test = '', url] = process.argv;
const { MCP_CONFORMANCE_SCENARIO, MCP_CONFORMANCE_PROTOCOL_VERSION, MCP_CONFORMANCE_CONTEXT = '{}' } = process.env;
const response = await fetch(test, {
  method: 'POST',
  body: JSON.stringify({
    url,
    scenario: MCP_CONFORMANCE_SCENARIO,
    version: MCP_CONFORMANCE_PROTOCOL_VERSION,
    context: JSON.parse(MCP_CONFORMANCE_CONTEXT),
  }),
});
if (!response.ok) throw new Error(await response.text());
