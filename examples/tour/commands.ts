// Everything that the processes of the tour say to each other. They share this file and nothing else.

import { IPCClient, IPCServer } from "crosswire";

// Answered by workers.
export const countPrimes = IPCClient.defineRequest<number, number>("worker/count-primes");
export const compose = IPCClient.defineRequest<void, string>("worker/compose");
export const produce = IPCClient.defineStream<{ itemBytes: number }, Uint8Array>("worker/produce");
export const countProduced = IPCClient.defineRequest<void, number>("worker/count-produced");
export const compress = IPCClient.defineStream<void, Uint8Array>("worker/compress");
export const fail = IPCClient.defineRequest<string, void>("worker/fail");
export const work = IPCClient.defineRequest<void, void>("worker/work");
export const askForAdvice = IPCClient.defineMessage<void>("worker/ask-for-advice");

// Answered by the server.
export const findWord = IPCServer.defineRequest<{ letters: number }, string>("server/find-word");
export const started = IPCServer.defineMessage<void>("server/started");
export const stopped = IPCServer.defineMessage<{ why: string }>("server/stopped");
export const giveAdvice = IPCServer.defineRequest<void, string>("server/give-advice");
