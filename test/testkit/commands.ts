// What tests can ask of workers/worker.mjs.

import { IPCClient, IPCServer } from "crosswire";

export interface Environment {
  readonly args: readonly string[];
  readonly greeting?: string;
  readonly hasRuntimeId: boolean;
  readonly pid: number;
}

export interface Flags {
  readonly darkMode: boolean;
  readonly colour: string;
}

export const readFlags = IPCClient.defineRequest<void, Flags & { changes: boolean[] }>(
  "test/flags",
);
export const environment = IPCClient.defineRequest<void, Environment>("test/environment");
export const failing = IPCClient.defineRequest<void, void>("test/throw");
export const hang = IPCClient.defineRequest<void, void>("test/hang");
export const exit = IPCClient.defineRequest<number, void>("test/exit");
export const fail = IPCClient.defineMessage<string>("test/fail");
export const block = IPCClient.defineMessage<void>("test/block");
export const count = IPCClient.defineStream<number, number>("test/count");
export const askBack = IPCClient.defineRequest<string, string>("test/ask-back");
export const answer = IPCServer.defineRequest<string, string>("test/answer");
