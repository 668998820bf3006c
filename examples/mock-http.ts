// Answering HTTP requests from a test, in place of a service. Run it: npx tsx examples/mock-http.ts

import { setTimeout as sleep } from "node:timers/promises";
import { IPCServer } from "crosswire";

export async function main(): Promise<void> {
  // #region mock
  const server = new IPCServer(0);
  await server.start();

  server.interceptHttp("GET", "/users/:id", async (_body, pathParams) => {
    return { success: true, statusCode: 200, data: { id: pathParams.id, name: "Mock User" } };
  });

  // The application under test is told server.getUrl() as the address of the service.
  const response = await fetch(`${server.getUrl()}/users/7`);
  console.log(response.status, await response.json());
  // #endregion

  // #region request
  server.interceptHttp("PUT", "/users/:id", (body, { id }, headers, request) => {
    console.log("body, by content type:", body);
    console.log("language:", headers["accept-language"], "- dry run:", request.query.has("dry"));
    return { id, saved: request.rawBody.length };
  });
  // #endregion
  await fetch(`${server.getUrl()}/users/7?dry`, {
    method: "PUT",
    headers: { "content-type": "application/json", "accept-language": "de" },
    body: JSON.stringify({ name: "Ann" }),
  });

  // #region answers
  // 200, with this as JSON.
  server.interceptHttp("GET", "/plain", () => ["anything that JSON can carry"]);

  // An object with a statusCode has that status; the whole object is the body.
  server.interceptHttp("GET", "/missing", () => ({ statusCode: 404, error: "no such user" }));

  // A Response is passed on as it is.
  server.interceptHttp("GET", "/logo", () => {
    return new Response("<svg/>", { headers: { "content-type": "image/svg+xml" } });
  });

  // A throw is a 500 with { error: "the database is gone" }.
  server.interceptHttp("GET", "/broken", () => {
    throw new Error("the database is gone");
  });

  // The client sees its connection break.
  server.interceptHttp("GET", "/gone", () => Response.error());
  // #endregion
  for (const path of ["/plain", "/missing", "/logo", "/broken", "/gone"]) {
    const told = await fetch(server.getUrl() + path).then(
      (answer) => answer.status,
      (error: Error) => error.message,
    );
    console.log(path, told);
  }

  // #region stream
  server.interceptHttp("GET", "/events", (_body, _pathParams, _headers, { signal }) => {
    async function* events(): AsyncGenerator<Uint8Array> {
      for (let n = 1; n <= 3 && !signal.aborted; n++) {
        yield Buffer.from(`data: ${n}\n\n`);
        await sleep(10);
      }
    }
    const body = ReadableStream.from(events());
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  });

  server.interceptHttp(
    "POST",
    "/upload",
    async (body) => {
      let size = 0;
      for await (const piece of body) size += piece.length;
      return { size };
    },
    { body: "stream" },
  );
  // #endregion
  console.log(await (await fetch(`${server.getUrl()}/events`)).text());
  const upload = { method: "POST", body: new Uint8Array(1_000_000) };
  console.log(await (await fetch(`${server.getUrl()}/upload`, upload)).json());

  // #region remove
  const undo = server.interceptHttp("GET", "/users/:id", () => ({ statusCode: 503 }));
  // … the test of how the application behaves without its user service …
  undo();

  console.log(server.removeInterceptHttp("GET", "/plain")); // true: there was one
  // #endregion

  await server.close();
}

if (process.argv[1] === import.meta.filename) await main();
