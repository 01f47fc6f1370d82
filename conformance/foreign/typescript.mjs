// The client of the TypeScript SDK: lists at each address, calls a tool there, and prints what came of it.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";

const seen = [];
for (const { address, era, tool, given } of JSON.parse(process.argv[2])) {
  const mode = era === "2026-07-28" ? { pin: era } : "legacy";
  const client = new Client({ name: "typescript", version: "1" }, { versionNegotiation: { mode } });
  await client.connect(new StreamableHTTPClientTransport(new URL(address)));
  const { tools } = await client.listTools();
  const answer = await client.callTool({ name: tool, arguments: given });
  seen.push({ listed: tools.map((each) => each.name), said: answer.content[0].text });
  await client.close();
}
console.log(JSON.stringify(seen));
