// A test process that answers, or never does. It says when it is asked.

import { http, HttpResponse, setupRemoteServer } from "crosswire/cpri";

const remote = setupRemoteServer(
  http.get("*/answered", () => HttpResponse.text("by the other process")),
  http.get("*/never", () => {
    console.log("asked");
    return new Promise<Response>(() => {});
  }),
  http.get("*/endless", () => {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(Buffer.from("the beginning")),
    });
    return new Response(body);
  }),
  { onUnhandledRequest: "bypass" },
);
await remote.listen();
console.log("listening");
