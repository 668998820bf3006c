// Opens something, closes it, and must then end by itself: nothing here calls process.exit().

import { createServer } from "node:net";
import { createMemoryPair, IPCClient, IPCServer, IPCSocket } from "crosswire";

const greet = IPCServer.defineRequest<string, string>("child/greet");
const ticks = IPCServer.defineStream<void, number>("child/ticks");
const hang = IPCServer.defineRequest<void, void>("child/hang");

async function start(): Promise<{ server: IPCServer; client: IPCClient }> {
  const server = new IPCServer(0);
  await server.start();
  server.onFrameworkMessage(greet, (name) => `Hello ${name}`);
  server.onFrameworkMessage(hang, () => new Promise(() => {}));
  server.onStream(ticks, async function* () {
    for (let n = 0; ; n++) yield n;
  });
  return { server, client: new IPCClient(server.getPort(), { reconnect: {} }) };
}

const SCENARIOS: Record<string, () => Promise<void>> = {
  async "after calls and streams"() {
    const { server, client } = await start();
    await client.connect("child");
    await client.sendFrameworkRequest(greet, "you");
    for await (const n of client.openStream(ticks)) if (n > 5) break;
    await client.disconnect();
    await server.close();
  },

  async "with calls and streams open"() {
    const { server, client } = await start();
    await client.connect("child");
    client.sendFrameworkRequest(hang, undefined, Infinity).catch(() => {});
    await client.openStream(ticks).next();
    await client.disconnect();
    await server.close();
  },

  async "when only the server is closed"() {
    const { server, client } = await start();
    const alone = new IPCClient(server.getPort());
    await alone.connect();
    const lost = new Promise<void>((resolve) => alone.onClose(() => resolve()));
    await client.connect();
    await client.disconnect();
    await server.close();
    await lost;
  },

  async "when nobody ever connected"() {
    const { server } = await start();
    await server.close();
  },

  async "after a refused connection"() {
    const { server } = await start();
    const stranger = new IPCClient(server.getPort(), { token: "wrong".repeat(5) });
    await stranger.connect().catch(() => {});
    await server.close();
  },

  async "after a connection attempt that timed out"() {
    const silent = createServer((socket) => void socket.on("error", () => {}));
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as { port: number };
    const client = new IPCClient(port, { limits: { connectTimeoutMs: 50 } });
    await client.connect().catch(() => {});
    silent.close();
  },

  async "in the middle of reconnecting"() {
    const { server, client } = await start();
    await client.connect();
    const lost = new Promise<void>((resolve) => client.onClose(() => resolve()));
    await server.close();
    await lost;
    await client.disconnect();
  },

  async "with sockets over memory"() {
    const [here, there] = createMemoryPair().map(
      (transport) => new IPCSocket(transport, { expectsHello: true }),
    );
    await here?.ready();
    await there?.close();
  },
};

const scenario = SCENARIOS[process.argv[2] ?? ""];
if (scenario === undefined) throw new Error(`There is no scenario ${process.argv[2]}.`);
await scenario();
console.log("closed");
