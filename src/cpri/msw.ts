// crosswire/msw: handlers written for MSW, 2.13 and later or 3, answer for other processes. MSW itself is not loaded
// here: its handlers are taken for what they can do.

export { fromMsw } from "./msw/from-msw.ts";
export { setupRemoteServer, setupServer } from "./msw/setup-msw.ts";
