// The TypeScript SDK's server on its standard streams, with one tool, `manage_task`, that always gives the
// answer in the file named by the first argument. Each start adds a line to the file named by the second.
// The third is what happens to a legacy opening: `serve` (the default) or `reject`.
import { appendFileSync, readFileSync } from 'node:fs';
import { McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';

const [file, starts, legacy = 'serve'] = process.argv.slice(2);
const payload = JSON.parse(readFileSync(file, 'utf8'));
if (starts) appendFileSync(starts, `${process.pid} ${process.cwd()}\n`);

function build() {
  const server = new McpServer({ name: 'typescript-task-server', version: '1.0.0' });
  const inputSchema = z.looseObject({ action: z.string() });
  server.registerTool('manage_task', { description: 'list tasks', inputSchema }, async () => ({
    content: [{ type: 'text', text: JSON.stringify(payload) }],
    structuredContent: payload,
  }));
  return server;
}

serveStdio(build, { legacy });
