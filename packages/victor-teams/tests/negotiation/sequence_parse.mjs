// Parses sequence diagrams with the real Mermaid. Reads a JSON list of diagrams, writes a JSON list of what was understood.
// Arguments: the node_modules folder that holds mermaid and jsdom.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { readFileSync } from 'node:fs';

const modules = process.argv[2];
const { JSDOM } = createRequire(`${modules}/x.js`)('jsdom');
const { window } = new JSDOM('<!DOCTYPE html><body></body>');
Object.assign(globalThis, { window, document: window.document });
const { default: mermaid } = await import(pathToFileURL(`${modules}/mermaid/dist/mermaid.core.mjs`));
mermaid.initialize({ startOnLoad: false, securityLevel: 'strict', maxTextSize: 10_000_000 });

const results = [];
for (const text of JSON.parse(readFileSync(0, 'utf8'))) {
  try {
    const { db, type } = await mermaid.mermaidAPI.getDiagramFromText(text);
    results.push({
      type,
      actors: [...db.getActors().entries()].map(([id, actor]) => ({ id, text: actor.description })),
      messages: db.getMessages().map((message) => ({ from: message.from, to: message.to, text: message.message, type: message.type })),
    });
  } catch (error) {
    results.push({ error: String(error) });
  }
}
process.stdout.write(JSON.stringify(results));
