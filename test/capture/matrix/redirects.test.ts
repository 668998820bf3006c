// Redirects and second attempts are the client's own affair, and each of their requests is decided anew.

import axios from "axios";
import { got } from "got";
import nodeFetch from "node-fetch";
import type { Dispatcher } from "undici";
import type * as undici from "undici";
import * as undici5 from "undici5";
import * as undici6 from "undici6";
import { expect, onTestFinished, test } from "vitest";
import { openHttpOrigin } from "../../engine/http-origin.ts";
import { UNDICI_COPIES, type UndiciCopy } from "../clients.ts";
import { capture, NOWHERE, PASS, respond } from "../world.ts";

type Follow = (url: string) => Promise<string>;
type WithInterceptors = UndiciCopy & Pick<typeof undici, "interceptors">;

async function viaDispatcher(dispatcher: Dispatcher, url: string): Promise<string> {
  onTestFinished(() => dispatcher.destroy());
  const { origin, pathname: path } = new URL(url);
  const { body } = await dispatcher.request({ origin, path, method: "GET" });
  return body.text();
}

/** Version 5 has none of them, and version 6 follows in another way. */
const COMPOSED = UNDICI_COPIES.filter(([, copy]) => {
  const { redirect } = (copy as Partial<WithInterceptors>).interceptors ?? {};
  return redirect !== undefined;
}) as unknown as readonly (readonly [string, WithInterceptors])[];

const FOLLOWERS: readonly (readonly [name: string, follow: Follow])[] = [
  ...UNDICI_COPIES.map(([name, copy]): readonly [string, Follow] => [
    `${name}.fetch`,
    async (url) => (await copy.fetch(url)).text(),
  ]),
  ["got", (url) => got(url).text()],
  ["axios", async (url) => (await axios.get<string>(url)).data],
  ["node-fetch", async (url) => (await nodeFetch(url)).text()],
  ...[undici5, undici6].map(({ Agent }, i): readonly [string, Follow] => [
    `an Agent of undici ${i + 5} with maxRedirections`,
    (url) => viaDispatcher(new Agent({ maxRedirections: 3 }) as unknown as Dispatcher, url),
  ]),
  ...COMPOSED.map(([name, { Agent, interceptors }]): readonly [string, Follow] => [
    `${name} composed of redirects and retries`,
    (url) => {
      const { redirect, retry } = interceptors;
      return viaDispatcher(new Agent({}).compose(redirect({ maxRedirections: 3 }), retry()), url);
    },
  ]),
];

test.each(FOLLOWERS)("%s follows from an answer to the network and back", async (_, follow) => {
  const origin = await openHttpOrigin(({ url }, response) => {
    if (url === "/real") return void response.end("real");
    response.writeHead(302, { location: `${NOWHERE}/answered` }).end();
  });
  const { asked } = capture(({ url }) => {
    if (url === `${NOWHERE}/answered`) return respond("answered");
    return url.startsWith(NOWHERE) ? respond("", [["location", `${origin.url}/real`]], 302) : PASS;
  });
  expect(await follow(`${NOWHERE}/begin`)).toBe("real");
  expect(await follow(`${origin.url}/away`)).toBe("answered");
  expect(asked.map(({ url }) => url)).toEqual([
    `${NOWHERE}/begin`,
    `${origin.url}/real`,
    `${origin.url}/away`,
    `${NOWHERE}/answered`,
  ]);
});

const RETRIERS: readonly (readonly [name: string, ask: Follow])[] = [
  ["got", (url) => got(url, { retry: { limit: 1, calculateDelay: () => 1 } }).text()],
  ...COMPOSED.map(([name, { Agent, interceptors }]): readonly [string, Follow] => [
    name,
    (url) => viaDispatcher(new Agent({}).compose(interceptors.retry({ minTimeout: 1 })), url),
  ]),
];

test.each(RETRIERS)("a second attempt of %s is decided anew", async (_, ask) => {
  const origin = await openHttpOrigin((__, response) => response.end("real"));
  const { asked } = capture(() => (asked.length === 1 ? respond("", [], 503) : PASS));
  expect(await ask(origin.url)).toBe("real");
  expect(asked).toHaveLength(2);
});
