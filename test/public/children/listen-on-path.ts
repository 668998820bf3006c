// A server on the Unix socket given as argument; it stays until it is killed.

import { IPCServer } from "crosswire";

const server = new IPCServer(0, { socketPath: process.argv[2] ?? "" });
console.log((await server.start()) ? "listening" : "held");
