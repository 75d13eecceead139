// Attacks: the wall backstop, by a main thread that waits for what never comes and hears no signal that can be ignored.
// Needs: a wall limit below 20 s. Success: it is still there after 20 s.
"use strict";
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP", "SIGXCPU", "SIGALRM"]) process.on(signal, () => {});
const never = new Int32Array(new SharedArrayBuffer(4));
Atomics.wait(never, 0, 0, 20_000);
console.log("ESCAPED: waited for 20 s");
