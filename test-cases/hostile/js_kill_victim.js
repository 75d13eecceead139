// Attacks: processes outside the cell. Standard input: the number of one, as the host counts it.
// Success: it can be signalled, or made to listen for a debugger; at last it is killed.
"use strict";
const pid = Number(require("fs").readFileSync(0, "utf8"));
const ways = {
  signal: () => process.kill(pid, 0),
  priority: () => require("os").setPriority(pid, 10),
  "killed by a child": () => require("child_process").execFileSync("/bin/sh", ["-c", `kill -0 ${pid}`], { stdio: "ignore" }),
  killed: () => process.kill(pid, "SIGKILL"),
};
const worked = [];
for (const [name, way] of Object.entries(ways)) {
  try {
    way();
    worked.push(name);
  } catch {}
}
console.log(worked.length ? `ESCAPED: ${worked.join(", ")}` : "contained");
