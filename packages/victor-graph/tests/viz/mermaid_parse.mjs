// Parses flowcharts with the real Mermaid. Reads a JSON list of diagrams, writes a JSON list of what was understood.
// Arguments: the node_modules folder that holds mermaid and jsdom.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { readFileSync } from 'node:fs';

const modules = process.argv[2];
const { JSDOM } = createRequire(`${modules}/x.js`)('jsdom');
const { window } = new JSDOM('<!DOCTYPE html><body></body>');
Object.assign(globalThis, { window, document: window.document });
const { default: mermaid } = await import(pathToFileURL(`${modules}/mermaid/dist/mermaid.core.mjs`));
mermaid.initialize({ startOnLoad: false, securityLevel: 'strict', maxTextSize: 10_000_000, maxEdges: 100_000 });

const results = [];
for (const text of JSON.parse(readFileSync(0, 'utf8'))) {
  try {
    const { db, type } = await mermaid.mermaidAPI.getDiagramFromText(text);
    results.push({
      type,
      direction: db.getDirection(),
      nodes: [...db.getVertices().values()].map((node) => ({ id: node.id, text: node.text, shape: node.type, classes: node.classes })),
      edges: db.getEdges().map((edge) => ({ source: edge.start, target: edge.end, text: edge.text, stroke: edge.stroke })),
      groups: db.getSubGraphs().map((group) => ({ id: group.id, title: group.title, nodes: group.nodes })),
    });
  } catch (error) {
    results.push({ error: String(error) });
  }
}
process.stdout.write(JSON.stringify(results));
