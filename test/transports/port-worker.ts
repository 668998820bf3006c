// Runs in a worker thread: opens a port transport and does there what the main thread asks for.

import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { createPortTransport } from "../../src/channel/port-transport.ts";
import type { Command, Told } from "./remote-transport.ts";

const { port } = workerData as { readonly port: MessagePort };
const transport = createPortTransport(port);

function tell(told: Told): void {
  parentPort?.postMessage({ ...told, bufferedBytes: transport.bufferedBytes });
}

parentPort?.on("message", (command: Command) => {
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
