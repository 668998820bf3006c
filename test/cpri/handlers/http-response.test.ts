// The Response for tests: one of the web to whoever looks at it, with MSW's ways to make it.

import { expect, test } from "vitest";
import { HttpResponse, rawBodyOf } from "../../../src/cpri/handlers/http-response.ts";

const bytes = new TextEncoder().encode("é1");

test.each([
  ["text", HttpResponse.text("é1"), "text/plain", "é1"],
  ["json", HttpResponse.json({ a: "é" }), "application/json", '{"a":"é"}'],
  ["xml", HttpResponse.xml("<a/>"), "text/xml", "<a/>"],
  ["html", HttpResponse.html("<p>é"), "text/html", "<p>é"],
  ["arrayBuffer", HttpResponse.arrayBuffer(bytes.buffer), "application/octet-stream", "é1"],
  ["arrayBuffer of a view", HttpResponse.arrayBuffer(bytes), "application/octet-stream", "é1"],
  ["text of nothing", HttpResponse.text(), "text/plain", ""],
  ["json of nothing", HttpResponse.json(), "application/json", ""],
  ["the constructor", new HttpResponse("é1"), "text/plain;charset=UTF-8", "é1"],
])("%s has a type, a length and a body", async (_what, response, type, text) => {
  expect(response).toBeInstanceOf(Response);
  expect(response).toMatchObject({ status: 200, statusText: "OK", ok: true, bodyUsed: false });
  expect(response.headers.get("content-type")).toBe(type);
  const length = response.headers.get("content-length");
  expect(length ?? String(Buffer.byteLength(text))).toBe(String(Buffer.byteLength(text)));
  expect(await response.clone().text()).toBe(text);
  expect(await response.text()).toBe(text);
  expect(response.bodyUsed).toBe(true);
  await expect(response.text()).rejects.toThrow(TypeError);
});

test("a body can be read in each way, once", async () => {
  const of = (): HttpResponse => HttpResponse.json({ a: 1 });
  expect(await of().json()).toEqual({ a: 1 });
  expect(Buffer.from(await of().arrayBuffer()).toString()).toBe('{"a":1}');
  expect(Buffer.from(await of().bytes()).toString()).toBe('{"a":1}');
  expect((await of().blob()).type).toBe("application/json");
  const form = new HttpResponse("a=1", {
    headers: { "content-type": "application/x-www-form-urlencoded" },
  });
  expect((await form.formData()).get("a")).toBe("1");
  const chunks: Uint8Array[] = [];
  for await (const chunk of of().body as AsyncIterable<Uint8Array>) chunks.push(chunk);
  expect(Buffer.concat(chunks).toString()).toBe('{"a":1}');
});

test("FormData, a Blob and a stream are bodies as well", async () => {
  const data = new FormData();
  data.set("name", "Ann");
  const form = HttpResponse.formData(data);
  expect(form.headers.get("content-type")).toMatch(/^multipart\/form-data; boundary=/);
  expect((await form.clone().formData()).get("name")).toBe("Ann");
  const blob = new HttpResponse(new Blob(["x"], { type: "image/png" }));
  expect(blob.headers.get("content-type")).toBe("image/png");
  const stream = new HttpResponse(new Blob(["flow"]).stream());
  expect(rawBodyOf(stream)).toBeUndefined();
  expect(await stream.text()).toBe("flow");
  expect(stream.bodyUsed).toBe(true);
});

test("status, status text and headers are as given; cookies stay apart", () => {
  const headers: [string, string][] = [
    ["Set-Cookie", "a=1"],
    ["Set-Cookie", "b=2"],
    ["Content-Type", "application/problem+json"],
  ];
  const response = HttpResponse.json({}, { status: 404, headers });
  expect(response).toMatchObject({ status: 404, statusText: "Not Found" });
  expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  expect(HttpResponse.text("", { statusText: "Fine" }).statusText).toBe("Fine");
  expect(() => HttpResponse.text("", { status: 101 })).toThrow(RangeError);
});

test("what cannot have a body has none, whatever is given", async () => {
  const response = HttpResponse.json({ a: 1 }, { status: 204 });
  expect(response.body).toBeNull();
  expect(await response.text()).toBe("");
});

test("a redirect may be relative; an error is one of the web", () => {
  const response = HttpResponse.redirect("/login", 303);
  expect(response.status).toBe(303);
  expect(response.headers.get("location")).toBe("/login");
  expect(HttpResponse.redirect(new URL("https://a.io/x")).status).toBe(302);
  expect(() => HttpResponse.redirect("/x", 200)).toThrow("301, 302, 303, 307, 308; not 200");
  expect(HttpResponse.error()).toMatchObject({ type: "error", status: 0 });
});

test("the body is known without reading it, until somebody begins to", async () => {
  const response = HttpResponse.text("known");
  expect(rawBodyOf(response)).toBe("known");
  expect(rawBodyOf(response.clone())).toBe("known");
  await response.text();
  expect(rawBodyOf(response)).toBeUndefined();
  expect(rawBodyOf(new Response("native"))).toBeUndefined();
});

test("bytes are those of the moment at which the response was made", async () => {
  const changing = Uint8Array.of(1, 2, 3);
  const response = HttpResponse.arrayBuffer(changing.subarray(1));
  changing.fill(9);
  expect(rawBodyOf(response)).toEqual(Uint8Array.of(2, 3));
  expect(await response.bytes()).toEqual(Uint8Array.of(2, 3));
});
