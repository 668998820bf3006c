// The seed's application, and below it what makes it send something.

import { setupServer } from "crosswire/cpri";

// Establish the sender
const server = setupServer({
  remote: { enable: true },
});
server.listen();

await import("./app.js");
