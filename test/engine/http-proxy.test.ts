// http-proxy 1.18.1 through the same suite as our engine: the interface carries another engine too. What it is known
// to break is listed by reason, and each of these tests has to go on failing.

import { spawn } from "node:child_process";
import { join } from "node:path";
import { expect, inject, onTestFinished, test } from "vitest";
import { until } from "../fixtures/wait.ts";
import { engineContract, NOT_RUN } from "./engine-contract.ts";
import { createHttpProxyEngine } from "./http-proxy-adapter.ts";

const BROKEN: Readonly<Record<string, readonly string[]>> = {
  [`${NOT_RUN}it ends the process with ERR_HTTP_TRAILER_INVALID (node-http-proxy#1647)`]: [
    "bodies: a GET that announces a trailer and has no body is a GET",
  ],
  [`${NOT_RUN}it ends the process with ERR_HTTP_INVALID_STATUS_CODE`]: [
    "what is malformed: an answer with a status below 100 is a 502 and ends the connection",
  ],
  "it smuggles: Transfer-Encoding is deleted and the body still sent (CVE-2026-29057)": [
    "bodies: a DELETE with a chunked body stays one request with that body",
    "bodies: a OPTIONS with a chunked body stays one request with that body",
  ],
  "it sends Content-Length: 0 with each DELETE and OPTIONS": [
    "bodies: a request without a body gets no framing invented",
  ],
  "fields are copied from an object with lower-case names, in which duplicates are joined": [
    "fields: a request keeps the case, the order and the duplicates of its fields",
    "fields: a response keeps the case, the order and the duplicates of its fields",
    "fields: a response keeps its status text, and bytes beyond ASCII in its values",
    "fields: a response gets no Server invented, and keeps the Date it came with",
    "fields: fields named like an object's own properties pass like any other",
    "upgrades: an upgrade reaches the origin with its fields, and its answer comes back with its",
  ],
  "fields of one hop are passed on": [
    "fields: fields of one hop end at the proxy on the way up",
    "fields: fields of one hop end at the proxy on the way down",
    "fields: of TE only trailers is passed on",
    "fields: a nominated field is stripped whatever its case, and as often as it occurs",
    "connections are reused: a connection is not used again when the origin says Connection: close",
  ],
  "claims of the client are believed and added to, and Forwarded and Via are not known": [
    "fields: what a client claims about who forwarded its request is overwritten",
    "fields: with trustForwarded the claim is kept and added to",
    "fields: both sides are told in Via that there is a proxy, after those that were there",
  ],
  "loops are not noticed": [
    "fields: a request that comes back to its own proxy is answered with 508",
    "upgrades: an upgrade that comes back to its own proxy is a 508",
  ],
  "paths go through url.parse, and slashes are joined": [
    "paths: //x is passed on as it is",
    "paths: /a//b/../c is passed on as it is",
    "paths: /a\\b is passed on as it is",
    "paths: the absolute form of a target becomes its path",
    "targets: a base path is put before the path",
    "options of one exchange: another path is asked for than the client asked",
  ],
  "trailers are dropped": [
    "bodies: request trailers arrive",
    "bodies: response trailers arrive",
    "bodies: trailers of a request carry no framing and no fields of one hop",
    "bodies: a chunked response that comes byte by byte arrives whole",
  ],
  "interim responses are dropped, and 100 is invented by the proxy": [
    "interim responses: 103 is relayed with its fields, before the response",
    "interim responses: 103 with fields that are no Link is relayed too, and more than one of them",
    "interim responses: 100 is relayed when the origin says it, and the body goes up after it",
    "interim responses: an endless row of interim responses is ended with 502",
  ],
  "what Node's client lets pass is passed on, or waited for": [
    "bodies: trailers of a response carry no framing and no fields of one hop",
    "bodies: chunk extensions are dropped, the body is kept",
    "what is malformed: an answer with another transfer coding is a 502 and ends the connection",
    "what is malformed: an answer with a coding that looks like chunked is a 502 and ends the connection",
    "what is malformed: an answer with two transfer codings is a 502 and ends the connection",
    "what is malformed: an answer with chunks in HTTP/1.0 is a 502 and ends the connection",
    "what is malformed: an answer with another version is a 502 and ends the connection",
    "what is malformed: an answer with an unasked 101 is a 502 and ends the connection",
    "what is malformed: an answer with an empty line first is a 502 and ends the connection",
    "what is malformed: a chunked response with nine digits is cut, never ended",
    "upgrades: an origin that breaks off an upgrade with a 101 to another protocol is a 502",
    "upgrades: an origin that breaks off an upgrade with a 101 that upgrades nothing is a 502",
  ],
  "heads are limited to the 16 KB of Node's client, whatever the limit": [
    "what is malformed: a response head beyond the limit is a 502",
    "what is malformed: a head just below the limit passes",
  ],
  "there is no waiting line with a bound, and idle connections have no time of their own": [
    "connections are reused: a request beyond the waiting line is a 503",
    "connections are reused: a client that leaves the waiting line makes room for the next",
    "connections are reused: an idle connection is given up after its time",
  ],
  "stale connections are not retried, and an early answer does not close": [
    "connections are reused: a GET on a connection that turns out to be stale is tried once more",
    "connections are reused: an answer before the end of the upload ends its connection",
  ],
  "a head waits for the first byte of its body": [
    "fields: a head that leaves before its body keeps bytes beyond ASCII",
    "pressure: the head of an event stream is passed on before its first event",
    "pressure: each event is passed on when it comes",
    "timeouts: an event stream may be silent for longer than anything else",
  ],
  "a client that leaves is not noticed since Node 15.5 (node-http-proxy#1559)": [
    "aborts: a client that leaves before the head (FIN) ends the upstream request",
    "aborts: a client that leaves in the middle of a body (FIN) ends it upstream",
    "aborts: a client that leaves before the head (RST) ends the upstream request",
    "aborts: a client that leaves in the middle of a body (RST) ends it upstream",
    "upgrades: a client that leaves while its upgrade is pending (FIN) ends it upstream",
    "upgrades: a client that leaves while its upgrade is pending (RST) ends it upstream",
  ],
  "a client hangs when the origin dies in the middle of a body": [
    "aborts: an origin that dies in the middle of a body with length (FIN) is an error to the client",
    "aborts: an origin that dies in the middle of a body with chunks (FIN) is an error to the client",
    "aborts: an origin that dies in the middle of a body with length (RST) is an error to the client",
    "aborts: an origin that dies in the middle of a body with chunks (RST) is an error to the client",
    "aborts: a close-delimited response that ends with a reset is an error to the client",
  ],
  "it does not say which target failed, nor whether it can be asked elsewhere": [
    "failures: a target that is down is a 502 that names it",
    "failures: 1 MB that a dead target did not take goes to the next one, whole",
    "failures: a chunked body with trailers goes to the next target too",
    "targets: localhost finds a server that listens on IPv6 only, and one on IPv4 only",
  ],
  "bodies have no limit and are not counted": [
    "failures: a body with a length beyond the limit is a 413, and no whole request goes up",
    "failures: a body in chunks beyond the limit is a 413, and no whole request goes up",
    "bodies: bytes are counted in both directions",
    "tunnels: tunnels are counted, and their bytes",
  ],
  "its one timeout is not told apart from a broken connection, and there are no others": [
    "timeouts: a target that accepts and never shakes hands is a 504",
    "timeouts: a target that has the request and says nothing is a 504",
    "timeouts: a target that stops in the middle of its head is a 504",
    "timeouts: a response that stands still is cut",
    "timeouts: an upload that stands still is ended",
    "timeouts: a slow but steady response outlives the bound on standing still",
    "timeouts: an exchange has a bound as a whole, however busy it is",
    "timeouts: a request that waits in line for too long is told so",
    "upgrades: an upgrade that nobody answers is a 504",
  ],
  "fields are set unchecked, and there is no data-only hook for responses": [
    "options of one exchange: a set field can neither frame the request nor break out of its line",
    "options of one exchange: the fields of a response can be replaced, but not its framing",
    "options of one exchange: an edit that throws costs one exchange",
  ],
  "a refusal of an upgrade is written with framing that it does not have, or never ended": [
    "upgrades: a refusal with a length is passed on with status, fields and body",
    "upgrades: a refusal with chunks is passed on with status, fields and body",
    "upgrades: a refusal with the end of its connection is passed on with status, fields and body",
  ],
  "it closes the client's socket before anybody can answer a failed upgrade": [
    "upgrades: an upgrade to a target that is down is a 502 on the wire",
    "upgrades: an upgrade that a dead target did not take goes to the next one",
    "upgrades: an origin that breaks off an upgrade before its answer is a 502",
    "upgrades: an origin that breaks off an upgrade in the middle of its answer is a 502",
    "upgrades: an origin that breaks off an upgrade with a malformed answer is a 502",
  ],
  "tunnels have no limit and no idle time, and end in one piece": [
    "upgrades: one upgrade beyond the limit of tunnels is a 503",
    "tunnels: a tunnel may be closed in one direction first, by the origin",
    "ends of tunnels: an origin that dies (RST) ends the tunnel of the client",
    "ends of tunnels: a tunnel in which nothing moves is closed after its time",
    "ends of tunnels: a tunnel in which one direction moves is not idle, nor bound by other timeouts",
  ],
  "closing is not known to it": [
    "ends of tunnels: closing says 1001 to both ends",
    "ends of tunnels: closing says 1001 upstream only after the frame that the client is sending",
    "ends of tunnels: closing says 1001 down only after the frame that the origin is sending",
    "ends of tunnels: a header of a frame that comes byte by byte is no boundary",
    "ends of tunnels: closing does not wait longer than its grace for ends that say nothing",
    "closing: closing waits for the exchange under way",
    "closing: closing cuts what outlives its grace, and every outcome is told",
    "closing: after closing, requests and upgrades are a 503",
  ],
};

/** What the client of Node 20 lets pass, and later ones do not. */
const BROKEN_ON_NODE_20: typeof BROKEN = {
  "what Node's client lets pass is passed on, or waited for": [
    "what is malformed: an answer with an empty transfer coding is a 502 and ends the connection",
    "what is malformed: bytes that come on an idle connection end it, and answer nothing",
  ],
};

const isNode20 = process.versions.node.startsWith("20.");
const tables = isNode20 ? [BROKEN, BROKEN_ON_NODE_20] : [BROKEN];
const reasons = tables
  .flatMap((table) => Object.entries(table))
  .flatMap(([reason, titles]) => titles.map((title) => [title, reason] as const));

engineContract("http-proxy", createHttpProxyEngine, Object.fromEntries(reasons));

test("one GET with a Trailer field ends a process that uses http-proxy", async () => {
  const script = join(inject("compiled").src, "test/engine/children/crash-by-trailer.js");
  const child = spawn(process.execPath, [script], { stdio: "pipe" });
  onTestFinished(() => void child.kill("SIGKILL"));
  let stderr = "";
  child.stderr.on("data", (text) => (stderr += String(text)));
  const [code] = await until(child, "close");
  expect(code).toBe(1);
  expect(stderr).toContain("ERR_HTTP_TRAILER_INVALID");
});
