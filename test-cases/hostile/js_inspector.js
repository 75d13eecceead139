// Attacks: the network and its own isolation, by the engine's debugger, which listens on a port and would let anybody in.
// Success: the debugger listens.
"use strict";
const inspector = require("inspector");
let url;
try {
  inspector.open(0, "127.0.0.1", false);
  url = inspector.url();
} catch {}
console.log(url ? `ESCAPED: ${url}` : "contained");
process.exit(0);
