// Runs in a worker thread: opens port transports, and does with each what the main thread asks for.

import { type MessagePort, parentPort } from "node:worker_threads";
import { createPortTransport } from "../../../src/channel/port-transport.ts";
import type { Command, Told } from "../remote-transport.ts";

/** A port to make a transport of, and one for what is asked of it. */
export interface Errand {
  readonly port: MessagePort;
  readonly control: MessagePort;
}

parentPort?.on("message", ({ port, control }: Errand) => {
  const transport = createPortTransport(port);
  const tell = (told: Told): void =>
    control.postMessage({ ...told, bufferedBytes: transport.bufferedBytes });
  control.on("message", (command: Command) => {
    switch (command.do) {
      case "open":
        transport.open({
          frame: (frame) => tell({ event: "frame", frame }),
          alive: () => tell({ event: "alive" }),
          drain: () => tell({ event: "drain" }),
          close: (reason) => tell({ event: "close", reason }),
        });
        break;
      case "send":
        transport.send(command.frame);
        break;
      case "close":
        transport.close(command.code, command.reason);
        break;
      default:
        transport.terminate(command.reason);
    }
    tell({ event: "done" });
  });
  tell({ event: "done" });
});
