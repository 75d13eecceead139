// Attacks: the limit of processes and threads, by worker threads, each with an engine of its own.
// Needs: a limit of processes below 64. Success: 64 workers live at the same time.
"use strict";
const { Worker } = require("worker_threads");

const WANTED = 64;
let live = 0;

function end(line) {
  require("fs").writeSync(1, line + "\n");
  process.exit(0);
}

function start() {
  if (live === WANTED) end(`ESCAPED: ${live} workers`);
  const worker = new Worker("setInterval(() => {}, 1000)", {
    eval: true,
    stdin: false,
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
  });
  worker.once("online", () => {
    live += 1;
    start();
  });
  worker.once("error", () => end("contained"));
  worker.once("exit", () => end("contained"));
}

try {
  start();
} catch {
  end("contained");
}
