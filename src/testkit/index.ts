// The export "crosswire/testkit": a runner that starts workers and commands them, a network that fails on purpose, and
// fixtures for test frameworks.

export { createRunner, type Runner, type RunnerOptions } from "./runner.ts";
export type { StartOptions, WorkerEnvironment } from "./start-options.ts";
export type { RunningWorker, WorkerConfig } from "./running-worker.ts";
export type { Exit } from "./launch.ts";
export type { WorkerDetail } from "./crash.ts";
export type { OutputLine, WorkerOutput } from "./output-lines.ts";
export { runnerFixture, type RunnerFixture } from "./fixture.ts";
export { remoteContextFixture, type RemoteContextFixture } from "./context-fixture.ts";

export { runWorker, type SetUpWorker, type ThisWorker } from "./worker.ts";
export { type ConfigListener, ConfigStore } from "./config-store.ts";

export { type KeysOfWorker, TestableIPC } from "./testable-ipc.ts";
export { ConfigIPC, type ConfigReset, type ConfigUpdate } from "./config-ipc.ts";

export { type ChaosOptions, type ChaosProxy, createChaosProxy } from "./chaos/chaos-proxy.ts";
export { type ChaosProxyFixture, chaosProxyFixture } from "./chaos/chaos-fixture.ts";
export type { DirectionFaults, Faults } from "./chaos/faults.ts";
export type { ChaosAddress, ChaosTarget } from "./chaos/target.ts";
