// What the runner can ask of the worker. Both import this file, so neither can get the types wrong.

import { IPCClient } from "crosswire";

// #region commands
export const countWords = IPCClient.defineRequest<string, number>("shop/count-words");
export const readAddress = IPCClient.defineRequest<void, string>("shop/read-address");
export const fail = IPCClient.defineRequest<void, void>("shop/fail");

/** The configuration that a test may change. */
export interface ShopFlags {
  readonly greeting: string;
}
// #endregion
