// Attacks: the limit of processes, by child processes of their own sessions.
// Needs: a limit of processes below 128. Success: 128 of them live at the same time. They end by themselves after 10 s.
"use strict";
const { spawn } = require("child_process");
const fs = require("fs");

const WANTED = 128;
const live = [];

function end(line) {
  for (const child of live) {
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {}
  }
  fs.writeSync(1, line + "\n");
  process.exit(0);
}

try {
  while (live.length < WANTED) {
    const child = spawn("/bin/sleep", ["10"], { detached: true, stdio: "ignore" });
    child.on("error", () => {});
    if (child.pid === undefined) end("contained");
    live.push(child);
  }
  end(`ESCAPED: ${live.length} children`);
} catch {
  end("contained");
}
