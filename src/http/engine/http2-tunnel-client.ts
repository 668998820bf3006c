// A client that asks for a WebSocket on a stream of HTTP/2, by extended CONNECT (RFC 8441).
// The target is asked as HTTP/1.1 asks, so the handshake's key is made here, and its proof is checked here.

import { createHash, randomBytes } from "node:crypto";
import type { Http2ServerRequest, ServerHttp2Stream } from "node:http2";
import { toHttp1Fields, toHttp2Fields } from "./http2-fields.ts";
import type { RequestSource } from "./request-head.ts";
import type { UpstreamHead } from "./response-head.ts";
import type { RefusalBody, TunnelClient } from "./tunnel-client.ts";

/** RFC 6455 1.3 */
const WEBSOCKET_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

export class Http2TunnelClient implements TunnelClient {
  readonly stream: ServerHttp2Stream;
  readonly source: RequestSource;
  #key: string = randomBytes(16).toString("base64");

  constructor({ url, rawHeaders, headers, stream, socket }: Http2ServerRequest) {
    this.stream = stream;
    const fields = [...toHttp1Fields(rawHeaders, headers), "Sec-WebSocket-Key", this.#key];
    this.source = {
      method: "GET",
      url,
      rawHeaders: [...fields, "Connection", "Upgrade", "Upgrade", "websocket"],
      socket,
      isHttp1: false,
      hasUnframedBody: false,
    };
  }

  accept(_head: UpstreamHead, fields: readonly string[]): void {
    const { "sec-websocket-accept": proof, ...others } = toHttp2Fields(200, fields);
    const expected = createHash("sha1")
      .update(this.#key + WEBSOCKET_GUID)
      .digest("base64");
    if (proof !== expected) throw new Error("the proof of its WebSocket handshake is wrong");
    this.stream.respond(others);
  }

  refuse(head: UpstreamHead, fields: readonly string[]): RefusalBody {
    this.stream.respond(toHttp2Fields(head.status, fields));
    return {
      send: (chunk, onWritten) => {
        if (chunk.length > 0) this.stream.write(chunk, onWritten);
        return this.stream.writableLength === 0;
      },
      end: () => this.stream.end(),
    };
  }
}
