// Attacks: the network. Standard input: a port of this host where somebody listens, and the name of an abstract socket.
// Success: it connects, opens a port of its own, or sends a datagram.
"use strict";
const dgram = require("dgram");
const http = require("http");
const net = require("net");

const [port, name] = require("fs").readFileSync(0, "utf8").trim().split(" ");
const tries = {
  connect: (done) => net.connect(Number(port), "127.0.0.1").on("connect", done),
  "abstract socket": (done) => net.connect("\0" + name).on("connect", done),
  listen: (done) => net.createServer().listen(0, "127.0.0.1").on("listening", done),
  "listen on a path": (done) => net.createServer().listen("./socket").on("listening", done),
  serve: (done) => http.createServer().listen(0).on("listening", done),
  datagram: (done) => dgram.createSocket("udp4").send("x", Number(port), "127.0.0.1", (error) => error || done()),
};
const worked = [];
for (const [what, attempt] of Object.entries(tries)) {
  try {
    const attempted = attempt(() => worked.push(what));
    if (attempted && attempted.on) attempted.on("error", () => {});
  } catch {}
}
process.on("uncaughtException", () => {});
setTimeout(() => {
  console.log(worked.length ? `ESCAPED: ${worked.join(", ")}` : "contained");
  process.exit(0);
}, 300);
