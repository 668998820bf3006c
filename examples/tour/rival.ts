// A process that wants the port that another server has.

import { IPCServer } from "crosswire";

const server = new IPCServer(Number(process.argv[2]));
console.log(String(await server.start()));
await server.close();
