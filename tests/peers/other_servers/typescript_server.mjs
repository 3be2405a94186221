// The TypeScript SDK's server with one tool, `manage_task`, that always gives the answer in the file
// named by the first argument. The second is the legacy leg: `stateless` (its default) or `reject`.
// Loopback, any free port, named in the first line of output; ends when its standard input does.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';

const [file, legacy = 'stateless'] = process.argv.slice(2);
const payload = JSON.parse(readFileSync(file, 'utf8'));

process.stdin.on('end', () => process.exit(0)).resume();

function build() {
  const server = new McpServer({ name: 'typescript-task-server', version: '1.0.0' });
  const inputSchema = z.looseObject({ action: z.string() });
  server.registerTool('manage_task', { description: 'list tasks', inputSchema }, async () => ({
    content: [{ type: 'text', text: JSON.stringify(payload) }],
    structuredContent: payload,
  }));
  return server;
}

let requests = 0;
const mcp = toNodeHandler(createMcpHandler(build, { legacy }));
const server = createServer((req, res) => {
  if (req.url === '/__control/reset') requests = 0;
  if (req.url.startsWith('/__control/')) return res.end(JSON.stringify({ requests, counts: {}, log: [] }));
  requests += 1;
  return mcp(req, res);
});
server.listen(0, '127.0.0.1', () => console.log(`typescript server: http://127.0.0.1:${server.address().port}/mcp`));
