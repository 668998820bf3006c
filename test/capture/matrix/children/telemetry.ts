// A process whose requests are traced and captured. It prints what came of them: the texts, and the spans.

import http, { createServer, type IncomingMessage } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { HttpInstrumentation } from "@opentelemetry/instrumentation-http";
import { UndiciInstrumentation } from "@opentelemetry/instrumentation-undici";
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-node";
import { type Capture, startCapture } from "../../../../src/capture/capture.ts";

const NOWHERE = "http://nowhere.invalid/";
const spans = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
provider.register();

function capture(): Capture {
  return startCapture({
    decide: ({ url }) =>
      url === NOWHERE
        ? { kind: "respond", status: 200, headers: [], body: Buffer.from("answered") }
        : { kind: "passthrough" },
  });
}

type Instrumentations = (HttpInstrumentation | UndiciInstrumentation)[];

/** They wrap node:http when it is required for the first time from then on. */
function instrument(): Instrumentations {
  const incoming = { disableIncomingRequestInstrumentation: true };
  const all = [new HttpInstrumentation(incoming), new UndiciInstrumentation()];
  for (const one of all) one.setTracerProvider(provider);
  createRequire(import.meta.url)("http");
  return all;
}

function viaHttp(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    http.get(url, (response: IncomingMessage) => resolve(text(response))).on("error", reject);
  });
}

async function outcome(real: string): Promise<object> {
  spans.reset();
  const ends = [];
  for (const url of [NOWHERE, real]) ends.push(await viaHttp(url));
  for (const url of [NOWHERE, real]) ends.push(await (await fetch(url)).text());
  await provider.forceFlush();
  return { ends, spans: spans.getFinishedSpans().map(({ name }) => name) };
}

async function run(): Promise<void> {
  const server = createServer((_, response) => response.end("real"));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const real = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

  const first = capture();
  const instrumentations = instrument();
  const begunFirst = await outcome(real);
  for (const one of instrumentations) one.disable();
  await first.close();

  for (const one of instrumentations) one.enable();
  const last = capture();
  const begunLast = await outcome(real);
  await last.close();
  for (const one of instrumentations) one.disable();

  server.closeAllConnections();
  server.close();
  console.log(
    JSON.stringify({ "a capture begun first": begunFirst, "a capture begun last": begunLast }),
  );
}

void run();
