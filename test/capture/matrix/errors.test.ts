// A failure that was decided looks to each client like the same failure of the network, whatever the client makes of it.

import { Socket } from "node:net";
import { constants } from "node:os";
import { expect, onTestFinished, test } from "vitest";
import { openHttpOrigin } from "../../engine/http-origin.ts";
import { rejection } from "../../fixtures/wait.ts";
import { CLIENTS, type TestClient } from "../clients.ts";
import { capture } from "../world.ts";
import { faceOf, reset } from "./face.ts";

/** Nobody can have this name: a resolver says so without asking anybody. */
const UNRESOLVABLE = "http://a..b/";

/** Each gives the URL where it really fails so. */
const FAILURES: Readonly<Record<string, () => Promise<string>>> = {
  ECONNREFUSED: async () => {
    const { url, close } = await openHttpOrigin(() => {});
    await close();
    return url;
  },
  ECONNRESET: async () => {
    const { url } = await openHttpOrigin(({ socket }) => reset(socket));
    return url;
  },
  ENOTFOUND: async () => UNRESOLVABLE,
  ETIMEDOUT: async () => {
    const { connect } = Socket.prototype;
    Socket.prototype.connect = timeOut;
    onTestFinished(() => void (Socket.prototype.connect = connect));
    return "http://127.0.0.1:4321";
  },
};

/** A network takes minutes to find out. */
function timeOut(this: Socket): Socket {
  const fields = { errno: -constants.errno.ETIMEDOUT, code: "ETIMEDOUT", syscall: "connect" };
  const error = new Error("connect ETIMEDOUT 127.0.0.1:4321");
  Object.assign(error, fields, { address: "127.0.0.1", port: 4321 });
  process.nextTick(() => this.destroy(error));
  return this;
}

async function facesAt(url: string): Promise<Readonly<Record<string, unknown>>> {
  const face = async ({ name, send }: TestClient): Promise<[string, unknown]> => [
    name,
    faceOf(await rejection(send(url))),
  ];
  return Object.fromEntries(await Promise.all(CLIENTS.map(face)));
}

test.each(Object.keys(FAILURES))("every client sees %s as it sees the real one", async (code) => {
  const plain = await FAILURES[code]!();
  // One that is reset before it is secure ends in another way.
  const secure = code === "ECONNRESET" ? [] : [plain.replace("http:", "https:")];
  const urls = [plain, ...secure];
  const real = await Promise.all(urls.map(facesAt));
  const { asked } = capture(() => ({ kind: "error", code }));
  expect(await Promise.all(urls.map(facesAt))).toEqual(real);
  expect(asked).toHaveLength(urls.length * CLIENTS.length);
});
