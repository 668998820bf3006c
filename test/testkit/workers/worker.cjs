// A worker in CommonJS. It has no server: with its connection ended nothing keeps it.

const { runWorker } = require("crosswire/testkit");

void runWorker((worker) => {
  worker.onRequest("test/environment", () => ({ args: [], hasRuntimeId: false, pid: process.pid }));
});
