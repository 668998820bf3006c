// Both ends of a test: a receiver, an application in this process, and applications in processes of their own.

import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { inject, onTestFinished } from "vitest";
import type { AppServer, AppServerOptions } from "../../src/cpri/app-server.ts";
import type { HandlerInput } from "../../src/cpri/handler.ts";
import type { RemoteServer, RemoteServerOptions } from "../../src/cpri/receiver/remote-server.ts";
import { setupRemoteServer, setupServer } from "../../src/cpri/setup.ts";
import { type Child, type ChildOptions, startChild } from "../fixtures/child.ts";
import { until, within } from "../fixtures/wait.ts";

/** Nobody has this name: a request that gets an answer from it never left. */
export const NOWHERE = "http://nowhere.invalid";

export interface World {
  /** Nobody else has it: the tests of a run do not meet. */
  readonly name: string;
  /** One that listens. Of what nobody handles it says nothing, unless told. */
  receiver(
    handlers?: readonly HandlerInput[],
    options?: RemoteServerOptions,
  ): Promise<RemoteServer>;
  /** The one of this process: what the test sends itself is caught. */
  app(options?: AppServerOptions, handlers?: readonly HandlerInput[]): AppServer;
  /** A process of its own. */
  start(options?: StartOptions): Promise<App>;
}

export interface StartOptions extends ChildOptions {
  /** In test/cpri/children, without what follows the dot. */
  readonly script?: string;
  /** Whether nothing in its code knows of us. */
  readonly isPreloaded?: boolean;
}

export interface Sent {
  readonly url: string;
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Got {
  readonly status?: number;
  readonly text?: string;
  readonly error?: { readonly code?: string; readonly message: string };
}

export interface App {
  readonly child: Child;
  readonly url: string;
  /** What it gets when it sends this, on behalf of a request with `headers`. */
  send(sent: Sent | string, headers?: Readonly<Record<string, string>>): Promise<Got>;
}

export function world(): World {
  const name = `test ${randomUUID()}`;
  return {
    name,
    receiver: async (handlers = [], options = {}) => {
      const remote = setupRemoteServer(...handlers, {
        name,
        onUnhandledRequest: "bypass",
        ...options,
      });
      onTestFinished(() => remote.close());
      await remote.listen();
      return remote;
    },
    app: (options = {}, handlers = []) => {
      const server = setupServer(...handlers, {
        ...options,
        remote: { enable: true, name, ...options.remote },
      });
      onTestFinished(() => server.close());
      server.listen();
      return server;
    },
    start: (options) => startApp(name, options),
  };
}

/** Both at once, attached. */
export async function pair(
  handlers: readonly HandlerInput[] = [],
  options: RemoteServerOptions = {},
  appOptions: AppServerOptions = {},
): Promise<World & { readonly remote: RemoteServer }> {
  const made = world();
  made.app(appOptions);
  return { ...made, remote: await made.receiver(handlers, options) };
}

export function registerFile(): string {
  return join(inject("compiled").src, "src/cpri/register.js");
}

export function childFile(script: string): string {
  return join(inject("compiled").src, `test/cpri/children/${script}.js`);
}

async function startApp(
  name: string,
  { script = "app", isPreloaded = true, env = {}, execArgv = [] }: StartOptions = {},
): Promise<App> {
  const child = startChild(`../../cpri/children/${script}.ts`, {
    execArgv: [...(isPreloaded ? ["--import", registerFile()] : []), ...execArgv],
    env: { CROSSWIRE_NAME: name, ...env },
  });
  const url = await child.lines.next();
  return { child, url, send: (sent, headers) => send(url, sent, headers) };
}

async function send(
  url: string,
  sent: Sent | string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Got> {
  const body = JSON.stringify(typeof sent === "string" ? { url: sent } : sent);
  const reply = await within(fetch(url, { method: "POST", body, headers }), "the application");
  return (await reply.json()) as Got;
}

/** The text that comes when this process sends a request. */
export async function textAt(path: string, init: RequestInit = {}): Promise<string> {
  return (await fetch(NOWHERE + path, init)).text();
}

/** The code of the failure of a fetch, and its text. */
export async function failureOf(promise: Promise<unknown>): Promise<NodeJS.ErrnoException> {
  const error = await promise.then(
    () => {
      throw new Error("A failure was expected.");
    },
    (reason: unknown) => reason as Error & { readonly cause?: NodeJS.ErrnoException },
  );
  return error.cause ?? error;
}

export async function attached(remote: RemoteServer, count: number): Promise<void> {
  await until(() => remote.senders().length === count, `${count} attached senders`);
}
