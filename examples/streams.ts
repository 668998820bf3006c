// Streams: following a log until it is enough, and sending bytes up while others come down.
// Run it: npx tsx examples/streams.ts

import { EventEmitter, on } from "node:events";
import { pipeline } from "node:stream";
import { buffer } from "node:stream/consumers";
import { createGzip, gunzipSync } from "node:zlib";
import { IPCClient, IPCServer } from "crosswire";

// #region define
/** The server produces lines; the payload says from where on. */
const tailLog = IPCServer.defineStream<{ from: number }, string>("log/tail");

/** The server produces bytes. What is uploaded is bytes too, unless a third type says otherwise. */
const gzip = IPCServer.defineStream<void, Uint8Array>("bytes/gzip");
// #endregion

async function followLog(server: IPCServer, client: IPCClient): Promise<void> {
  const log = new EventEmitter();
  let written = 0;
  const writer = setInterval(() => log.emit("line", ++written), 2);

  // #region produce
  server.onStream(tailLog, async function* ({ from }, { signal }) {
    try {
      // The signal aborts when the reader stops: it ends the waiting for a line that may never come.
      for await (const [line] of on(log, "line", { signal })) {
        if (Number(line) >= from) yield `line ${String(line)}`;
      }
    } finally {
      console.log("server: nobody reads any more");
    }
  });
  // #endregion

  // #region read
  for await (const line of client.openStream(tailLog, { from: 3 })) {
    console.log(line);
    if (line === "line 5") break; // tells the server to stop
  }
  // #endregion
  clearInterval(writer);
}

async function compress(server: IPCServer, client: IPCClient): Promise<void> {
  // #region upload
  server.onStream(gzip, (_payload, { upload }) => pipeline(upload, createGzip(), () => {}));

  async function* pages(): AsyncGenerator<Uint8Array> {
    for (let page = 1; page <= 100; page++) yield Buffer.alloc(10_000, `page ${page} `);
  }

  const packed = await buffer(client.openStream(gzip, undefined, { upload: pages() }));
  console.log(`${gunzipSync(packed).byteLength} bytes went up, ${packed.byteLength} came down`);
  // #endregion
}

export async function main(): Promise<void> {
  const server = new IPCServer(0);
  await server.start();
  const client = new IPCClient(server.getPort());
  await client.connect();

  await followLog(server, client);
  await compress(server, client);

  await client.disconnect();
  await server.close();
}

if (process.argv[1] === import.meta.filename) await main();
