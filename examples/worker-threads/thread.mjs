// Runs thread.ts in a worker thread: there tsx does not register itself. A thread in JavaScript needs no such file.

import { register } from "tsx/esm/api";

register();
await import("./thread.ts");
