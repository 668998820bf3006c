// nginx and haproxy as peers: one process with one thread each, and connections to the target kept.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "./free-port.ts";

const READY_TIMEOUT_MS = 5_000;

export interface NativeProxy {
  child: ChildProcess;
  port: number;
}

/** Rejects when the command is not installed or does not start to listen. */
export async function startNative(
  command: "nginx" | "haproxy",
  originPort: number,
): Promise<NativeProxy> {
  const folder = mkdtempSync(join(tmpdir(), "crosswire-benchmark-"));
  const port = await freePort();
  const file = join(folder, "configuration");
  const text = command === "nginx" ? nginxText(port, originPort) : haproxyText(port, originPort);
  writeFileSync(file, text);
  const args =
    command === "nginx" ? ["-p", folder, "-c", file, "-e", "stderr"] : ["-db", "-f", file];
  const child = spawn(command, args, { stdio: ["ignore", "ignore", "ignore"] });
  const clear = (): void => rmSync(folder, { recursive: true, force: true });
  child.once("error", clear).once("close", clear);
  const failed = once(child, "exit").then(() => {
    throw new Error(`${command} ended before it listened.`);
  });
  await Promise.race([failed, answering(port)]);
  return { child, port };
}

async function answering(port: number): Promise<void> {
  const end = performance.now() + READY_TIMEOUT_MS;
  while (performance.now() < end) {
    const socket = connect(port, "127.0.0.1");
    const isOpen = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isOpen) return;
    await delay(20);
  }
  throw new Error(`Nothing listens on port ${port} after ${READY_TIMEOUT_MS} ms.`);
}

// Without a master the one process is the worker. Request bodies stream, as they do in all other
// peers; responses are buffered in memory as by default, but never in files.
function nginxText(port: number, originPort: number): string {
  return `
daemon off; master_process off; worker_processes 1; pid nginx.pid; error_log /dev/null;
events { worker_connections 4096; }
http {
  access_log off; client_body_temp_path body; proxy_temp_path proxy;
  fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  keepalive_requests 100000000;
  map $http_upgrade $connection_field { default upgrade; "" ""; }
  upstream origin { server 127.0.0.1:${originPort}; keepalive 128; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port};
    client_max_body_size 0;
    location / {
      proxy_pass http://origin; proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_field;
      proxy_request_buffering off; proxy_max_temp_file_size 0;
    }
  }
}`;
}

function haproxyText(port: number, originPort: number): string {
  return `
global
  maxconn 4096
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 60s
  option http-keep-alive
  http-reuse always
frontend front
  bind 127.0.0.1:${port}
  default_backend origin
backend origin
  server origin 127.0.0.1:${originPort}
`;
}
