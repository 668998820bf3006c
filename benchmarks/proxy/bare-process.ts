// The floor of the row `start`: what Node itself needs to start, load its own HTTP server, and answer.

import { createServer } from "node:http";

const [, , port] = process.argv;

createServer((_request, response) => void response.end("here\n")).listen(Number(port), "127.0.0.1");
