// The page for people whose application is not there: what was asked, who should answer, how to start it.
// It needs nothing from anywhere else, and reloads by itself once the application answers.

import { createHash } from "node:crypto";

export interface Unavailable {
  readonly path: string;
  readonly app: string;
  readonly target: string;
  readonly rule: string;
  readonly reason: string;
  readonly startCommand?: string | undefined;
}

/** Asks this proxy, not the application: a knock at a port disturbs nobody. */
const SCRIPT = `
const { check } = document.currentScript.dataset;
setInterval(async () => {
  try {
    const answer = await fetch(check, { cache: "no-store" });
    if ((await answer.json()).isReachable) location.reload();
  } catch {}
}, 1000);
`;
const SCRIPT_HASH: string = createHash("sha256").update(SCRIPT).digest("base64");

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 40rem; margin: 12vh auto; padding: 0 1.5rem; }
h1 { font-size: 1.4rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; }
dt { opacity: .7; }
dd { margin: 0; overflow-wrap: anywhere; }
code, dd { font-family: ui-monospace, monospace; font-size: .9rem; }
pre { padding: .75rem 1rem; border: 1px solid; border-radius: .4rem; overflow-x: auto; }
p.wait { opacity: .7; }
`;

/** SECURITY: nothing may be loaded, and no script runs but the one above. */
export const PAGE_POLICY: string =
  `default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-${SCRIPT_HASH}'; connect-src 'self'; ` +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

export function unavailablePage(about: Unavailable, checkPath: string): string {
  const { path, app, target, rule, reason, startCommand } = about;
  const start =
    startCommand === undefined
      ? ""
      : `<p>Start it:</p>\n<pre><code>${escape(startCommand)}</code></pre>\n`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Application unreachable: ${escape(app)}</title>
<style>${STYLE}</style>
<noscript><meta http-equiv="refresh" content="5"></noscript>
</head>
<body>
<h1>Application unreachable: ${escape(app)}</h1>
<dl>
<dt>Asked for</dt><dd>${escape(path)}</dd>
<dt>Application</dt><dd>${escape(app)}</dd>
<dt>Expected at</dt><dd>${escape(target)}</dd>
<dt>Chosen by</dt><dd>${escape(rule)}</dd>
<dt>Seen</dt><dd>${escape(reason)}</dd>
</dl>
${start}<p class="wait">This page reloads by itself as soon as the application answers.</p>
<script data-check="${escape(checkPath)}">${SCRIPT}</script>
</body>
</html>
`;
}

/** SECURITY: paths, and what servers say, are whatever somebody sent. */
function escape(text: string): string {
  const entities: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return text.replaceAll(/[&<>"']/g, (char) => entities[char] ?? char);
}
