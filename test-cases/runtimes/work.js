// What ordinary programs do, on V8: see README.md. Prints "done", or ends with code 7 if its input says "exit".
"use strict";
const assert = require("assert");
const child = require("child_process");
const crypto = require("crypto");
const fs = require("fs");
const os = require("os");
const path = require("path");
const util = require("util");
const zlib = require("zlib");
const { Worker, isMainThread, workerData, parentPort } = require("worker_threads");

// (module (func (export "square") (param i32) (result i32) local.get 0 local.get 0 i32.mul))
const WASM = Buffer.from("0061736d0100000001060160017f017f03020100070a010673717561726500000a09010700200020006c0b", "hex");

function hot(n) {
  let sum = 0;
  for (let i = 0; i < n; i++) sum = (sum + i * i) % 1000003;
  return sum;
}

function garbage() {
  let kept = [];
  for (let i = 0; i < 300; i++) {
    kept.push(new Array(20000).fill({ i }), "x".repeat(1000) + i, Buffer.alloc(50000));
    if (kept.length > 60) kept = kept.slice(30);
  }
  return kept.length;
}

function depth(n) {
  return 1 + depth(n + 1);
}

async function work() {
  assert.strictEqual(hot(3e7), hot(3e7));
  assert(garbage() > 0);
  assert.throws(() => depth(0), RangeError);
  assert.strictEqual(util.format("%s %d %j", "a", 1.5, { b: [2] }), 'a 1.5 {"b":[2]}');
  assert.strictEqual((1234567.891).toLocaleString("en-US"), "1,234,567.891");
  assert.strictEqual(2n ** 200n % 1000007n, 2n ** 200n - (2n ** 200n / 1000007n) * 1000007n);
  assert.strictEqual("Straße".normalize("NFD").toUpperCase(), "STRASSE");
  assert(/^(?<y>\d{4})-(\p{L}+)$/u.test("2024-Größe"));
  assert.strictEqual(new Date(0).toISOString(), "1970-01-01T00:00:00.000Z");

  fs.mkdirSync("folder");
  fs.writeFileSync("folder/a", "x".repeat(100000));
  await fs.promises.writeFile("folder/b", await fs.promises.readFile("folder/a"));
  await fs.promises.appendFile("folder/b", "y");
  assert.strictEqual((await fs.promises.readFile("folder/b", "utf8")).length, 100001);
  fs.renameSync("folder/b", "folder/c");
  assert.deepStrictEqual(fs.readdirSync("folder").sort(), ["a", "c"]);
  fs.rmSync("folder", { recursive: true });
  assert(path.isAbsolute(process.cwd()) && os.cpus().length >= 0 && process.resourceUsage().maxRSS > 0);

  const packed = await util.promisify(zlib.gzip)("z".repeat(100000));
  assert.strictEqual(zlib.gunzipSync(packed).length, 100000);
  assert.strictEqual(crypto.createHash("sha256").update("").digest("hex").slice(0, 8), "e3b0c442");
  assert.strictEqual(crypto.randomBytes(16).length, 16);
  assert.strictEqual((await util.promisify(crypto.pbkdf2)("p", "s", 10, 16, "sha1")).length, 16);

  const { instance } = await WebAssembly.instantiate(WASM);
  assert.strictEqual(instance.exports.square(12), 144);
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 16 });
  memory.grow(3);
  assert.strictEqual(memory.buffer.byteLength, 4 * 65536);

  const shared = new SharedArrayBuffer(8);
  const workers = [0, 1, 2].map(
    (number) => new Promise((done, failed) => {
      const worker = new Worker(__filename, { workerData: { shared, number } });
      worker.on("message", done).on("error", failed);
    }),
  );
  assert.deepStrictEqual((await Promise.all(workers)).sort(), [0, 1, 2]);
  assert.strictEqual(Atomics.load(new Int32Array(shared), 0), 3000);

  assert.strictEqual(child.execFileSync("/usr/bin/echo", ["hi"], { encoding: "utf8" }), "hi\n");
  const begun = process.hrtime.bigint();
  await new Promise((done) => setTimeout(done, 20));
  assert(process.hrtime.bigint() - begun > 15_000_000n);
  // Waiting for a signal does not keep the program alive; the timer does.
  const patience = setTimeout(() => process.exit(1), 10000);
  await new Promise((done) => {
    process.once("SIGUSR2", done);
    process.kill(process.pid, "SIGUSR2");
  });
  clearTimeout(patience);
}

if (isMainThread) {
  if (fs.readFileSync(0, "utf8").trim() === "exit") process.exit(7);
  work().then(() => console.log("done"), (error) => {
    console.error(error);
    process.exit(1);
  });
} else {
  const counter = new Int32Array(workerData.shared);
  for (let i = 0; i < 1000; i++) Atomics.add(counter, 0, 1);
  garbage();
  parentPort.postMessage(workerData.number);
}
