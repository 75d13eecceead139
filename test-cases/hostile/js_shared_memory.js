// Attacks: the memory limit, by memory that worker threads share: shared array buffers and a shared WebAssembly memory.
// Needs: a limit below 640 MiB. Success: 640 MiB are written by the workers and held.
"use strict";
const { Worker, isMainThread, workerData, parentPort } = require("worker_threads");

if (isMainThread) {
  let failed = false;
  const shares = [];
  try {
    const memory = new WebAssembly.Memory({ initial: 16, maximum: 5120, shared: true });
    memory.grow(5104);
    shares.push(memory.buffer);
    for (let i = 0; i < 5; i++) shares.push(new SharedArrayBuffer(64 << 20));
  } catch {
    failed = true;
  }
  let written = 0;
  const end = (line) => {
    require("fs").writeSync(1, line + "\n");
    process.exit(0);
  };
  if (failed) end("contained");
  for (const share of [shares.slice(0, 1), shares.slice(1)]) {
    const worker = new Worker(__filename, { workerData: share });
    worker.on("message", (bytes) => {
      written += bytes;
      if (written === 640 << 20) end(`ESCAPED: ${written >> 20} MiB of shared memory`);
    });
    worker.on("error", () => end("contained"));
  }
} else {
  for (const buffer of workerData) {
    new Uint8Array(buffer).fill(1);
    parentPort.postMessage(buffer.byteLength);
  }
}
