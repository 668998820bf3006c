// A test process with a receiver, and an application with a sender. Neither of them is closed.

import { http, HttpResponse, setupRemoteServer, setupServer } from "crosswire/cpri";

setupServer({ remote: { enable: true } }).listen();
// As in the seed: it only keeps the process alive where `listen` is called.
const remote = setupRemoteServer({ onUnhandledRequest: "bypass" });
await remote.use(http.get("http://nowhere.invalid/*", () => HttpResponse.text("answered")));
console.log(await (await fetch("http://nowhere.invalid/")).text(), remote.senders().length);
