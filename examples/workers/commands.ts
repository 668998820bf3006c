// What runner and workers say to each other. Both import this file, so neither can get the types wrong.

import { IPCClient, IPCServer } from "crosswire";

// #region commands
/** The runner asks, a worker answers. */
export const countWords = IPCClient.defineRequest<string, number>("worker/count-words");

/** A worker asks, the runner answers. */
export const reportReady = IPCServer.defineRequest<{ pid: number }, void>("runner/report-ready");
// #endregion
