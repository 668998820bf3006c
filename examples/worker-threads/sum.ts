// What both threads know: who answers, the path, and the types.

import { IPCClient } from "crosswire";

/** The main thread asks, the worker thread answers. */
export const sum = IPCClient.defineRequest<Float64Array, number>("math/sum", { codec: "rich" });
