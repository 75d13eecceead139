// Attacks: the memory limit, by array buffers, which stand outside of the engine's own heap and its limit.
// Needs: a limit below 640 MiB. Success: it holds and has written 640 MiB.
"use strict";
const held = [];
let failed = false;
try {
  for (let i = 0; i < 40; i++) held.push(new Uint8Array(16 << 20).fill(1));
} catch {
  failed = true;
}
console.log(failed ? "contained" : `ESCAPED: ${held.length * 16} MiB in array buffers`);
