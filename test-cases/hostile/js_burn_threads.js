// Attacks: the CPU limit, by compiled loops on several threads, none of which uses much by itself.
// Needs: a CPU limit below 3 s. Success: its threads have used 4 s between them.
"use strict";
const { Worker, isMainThread } = require("worker_threads");

const used = () => (process.cpuUsage().user + process.cpuUsage().system) / 1e6;

if (isMainThread) {
  for (const signal of ["SIGTERM", "SIGXCPU"]) process.on(signal, () => {});
  for (let i = 0; i < 4; i++) new Worker(__filename);
  setInterval(() => {
    if (used() > 4) {
      require("fs").writeSync(1, "ESCAPED: 4 s of CPU time\n");
      process.exit(0);
    }
  }, 50);
} else {
  let sum = 0;
  while (used() < 30) for (let i = 0; i < 1e7; i++) sum = (sum + i * i) | 0;
  if (sum === 0.5) console.log(sum);
}
