// Runs once when the image is built, behind inspect.js, modules.js and files.js, in the engine of which the snapshot
// is then made; what a run calls is `__proofbox`.
//
// The host drives: `begin` reads the program and runs it; then, until the process ends, the host executes the jobs of
// promises and calls `check` (promises that nobody handled) and `turn`, which carries out the next event.

const ticks = [], immediates = [], timers = new Map();
const lacks = new Set();
let nextTimer = 1, isLeaving = false, random;

/// Something of Node.js that is not here was asked for: if the program now fails, that is why.
function note(what) { lacks.add(what); }

/// The same where going on would give another answer than Node.js.
function lacking(what) {
  note(what);
  leaveLacking();
}

function leaveLacking() {
  flush();
  putError(`proofbox: WebAssembly lacks ${[...lacks].join(', ')}\n`);
  std.exit(1);
}

/// Globals of Node.js that are not here.
const ABSENT = new Set(['Intl', 'WebAssembly', 'fetch', 'URL', 'URLSearchParams', 'TextEncoder', 'TextDecoder', 'Worker', 'AbortController', 'AbortSignal', 'Event', 'EventTarget', 'crypto', 'MessageChannel', 'Blob', 'BroadcastChannel', 'FormData', 'Headers', 'Request', 'Response', 'ReadableStream', 'WritableStream', 'navigator', 'WebSocket']);
/// Modules of Node.js that are not here.
const MODULES = new Set(['async_hooks', 'child_process', 'cluster', 'console', 'constants', 'crypto', 'dgram', 'diagnostics_channel', 'dns', 'domain', 'fs/promises', 'http', 'http2', 'https', 'inspector', 'module', 'net', 'punycode', 'querystring', 'repl', 'stream', 'stream/promises', 'string_decoder', 'sys', 'timers/promises', 'tls', 'trace_events', 'tty', 'url', 'v8', 'vm', 'wasi', 'worker_threads', 'zlib', 'test']);

/// An exception that nobody caught ends the run.
function die(error) {
  flush();
  let text;
  try {
    // What was thrown stands last: reports show the last line.
    const frames = error instanceof Error && typeof error.stack === 'string' ? error.stack.trimEnd() : '';
    const thrown = error instanceof Error ? `${error}` : inspect(error);
    text = `Uncaught exception\n${frames.startsWith(thrown) ? frames.slice(thrown.length) : frames}\n${thrown}`;
  } catch {
    text = 'Uncaught exception';
  }
  const missing = /^'?(\w+)'? is not defined/.exec(error instanceof ReferenceError ? error.message : '');
  if (missing && ABSENT.has(missing[1])) note(missing[1]);
  putError(`${text}\n`);
  if (lacks.size > 0) leaveLacking();
  std.exit(error instanceof InternalError && error.message === 'out of memory' ? 134 : 1);
}

function guarded(call, ...values) {
  try {
    return call(...values);
  } catch (error) {
    die(error);
  }
}

function leave(code) {
  if (code !== undefined) process.exitCode = code;
  if (!isLeaving) {
    isLeaving = true;
    guarded(() => process.emit('exit', process.exitCode ?? 0));
  }
  flush();
  std.exit(Number(process.exitCode ?? 0) & 255);
}

class Process extends EventEmitter {
  argv = ['/usr/bin/node', '/box/main.js'];
  execArgv = [];
  env = {};
  exitCode = undefined;
  pid = 1;
  platform = 'linux';
  arch = 'x64';
  version = 'v20.0.0';
  versions = { node: '20.0.0' };
  stdin = processStdin;
  stdout = processStdout;
  stderr = processStderr;
  exit(code) { leave(code); }
  abort() { flush(); std.exit(134); }
  cwd() { return '/tmp/work'; }
  nextTick(call, ...values) { ticks.push(() => call(...values)); }
  uptime() { return performance.now() / 1000; }
  hrtime = Object.assign((before) => {
    const now = performance.now(), [seconds, nanos] = [Math.floor(now / 1000), Math.floor(now % 1000 * 1e6)];
    if (!before) return [seconds, nanos];
    const less = nanos < before[1] ? 1 : 0;
    return [seconds - before[0] - less, nanos - before[1] + less * 1e9];
  }, { bigint: () => BigInt(Math.floor(performance.now() * 1e6)) });
  memoryUsage() { return lacking('process.memoryUsage'); }
  emitWarning() {}
}
const process = new Process();

const path = {
  sep: '/',
  join: (...parts) => path.normalize(parts.filter((part) => part !== '').join('/') || '.'),
  normalize(text) {
    const kept = [];
    for (const part of text.split('/')) {
      if (part === '..' && kept.length > 0 && kept.at(-1) !== '..') kept.pop();
      else if (part !== '' && part !== '.' && !(part === '..' && text.startsWith('/'))) kept.push(part);
    }
    const whole = (text.startsWith('/') ? '/' : '') + kept.join('/');
    return whole === '' ? '.' : whole + (text.endsWith('/') && kept.length > 0 ? '/' : '');
  },
  resolve(...parts) {
    const whole = ['/tmp/work', ...parts].reduce((base, part) => (part.startsWith('/') ? part : `${base}/${part}`));
    return path.normalize(whole).replace(/(.)\/$/, '$1');
  },
  isAbsolute: (text) => text.startsWith('/'),
  basename(text, ending = '') {
    const name = text.replace(/\/+$/, '').split('/').pop();
    return name !== ending && name.endsWith(ending) ? name.slice(0, name.length - ending.length) : name;
  },
  dirname: (text) => text.replace(/\/+[^/]*\/*$/, '') || (text.startsWith('/') ? '/' : '.'),
  extname: (text) => /[^/.](\.[^./]*)$/.exec(text)?.[1] ?? '',
};

const started = [];
const modules = {
  assert,
  'assert/strict': assert,
  buffer: known('buffer', { Buffer }),
  events: EventEmitter,
  fs: known('fs', fs),
  os: known('os', { EOL: '\n', platform: () => 'linux' }),
  path: known('path', path),
  perf_hooks: known('perf_hooks', { performance }),
  process,
  readline: known('readline', readline),
  'readline/promises': readline.promises,
  timers: known('timers', { setTimeout: later, setInterval: repeatedly, setImmediate: soon, clearTimeout: cancel, clearInterval: cancel, clearImmediate: cancel }),
  util: known('util', util),
};

const loaded = new Map();

/// What `require` gives in a file of that directory: a module from above, or another file of the solution.
function requiring(directory) {
  return function require(name) {
    const plain = `${name}`.replace(/^node:/, '');
    if (Object.hasOwn(modules, plain)) return modules[plain];
    if (/^\.{0,2}\//.test(name)) {
      const base = path.resolve(directory, name);
      const file = [base, `${base}.js`, `${base}.json`, `${base}/index.js`].find((candidate) => kindOf(candidate) === 'file');
      if (file !== undefined) return load(file);
    }
    if (MODULES.has(plain)) note(`the module ${plain}`);
    throw Object.assign(new Error(`Cannot find module '${name}'`), { code: 'MODULE_NOT_FOUND' });
  };
}

function load(file) {
  const before = loaded.get(file);
  if (before) return before.exports;
  const module = { exports: {}, filename: file, id: file, loaded: false, children: [], paths: [] };
  const source = std.loadFile(file);
  if (file.endsWith('.json')) module.exports = JSON.parse(source);
  loaded.set(file, module);
  if (!file.endsWith('.json')) run(compiled(source), module, file);
  module.loaded = true;
  return module.exports;
}

function compiled(source) {
  return new Function('exports', 'require', 'module', '__filename', '__dirname', source.replace(/^\ufeff?#!.*/, ''));
}

function run(body, module, file) {
  const directory = path.dirname(file), require = requiring(directory);
  require.main = started[0] ??= module;
  require.cache = {};
  body.call(module.exports, module.exports, require, module, file, directory);
}

/// What the host reads of a program that does not compile: marshal's tuple ("syntax", text).
function refuse(error) {
  const text = encoded(`${error}`), tag = encoded('syntax');
  const size = (length) => [length & 255, length >> 8 & 255, length >> 16 & 255, length >> 24];
  const record = Uint8Array.from([40, ...size(2), 117, ...size(tag.length), ...tag, 117, ...size(text.length), ...text]);
  os.write(5, record.buffer, 0, record.length);
  putError(`${error}\n${error.stack}`);
  std.exit(1);
}

function schedule(call, delay, values, every) {
  if (typeof call !== 'function') throw Object.assign(new TypeError(`The "callback" argument must be of type function.${received(call)}`), { code: 'ERR_INVALID_ARG_TYPE' });
  const wait = delay >= 1 && delay <= 2147483647 ? Math.trunc(delay) : 1;
  const timer = new Timeout(nextTimer++);
  timers.set(timer.id, { timer, at: os.now() + wait * 1000, call: () => call(...values), wait, every });
  return timer;
}
class Timeout {
  constructor(id) { Object.defineProperty(this, 'id', { value: id }); }
  ref() { return this; }
  unref() { lacking('a timer that is not waited for'); }
  hasRef() { return true; }
  [Symbol.toPrimitive]() { return this.id; }
}
class Immediate {}

function later(call, delay, ...values) { return schedule(call, delay, values, false); }
function repeatedly(call, delay, ...values) { return schedule(call, delay, values, true); }
function soon(call, ...values) {
  const handle = new Immediate();
  immediates.push(Object.assign(() => call(...values), { handle }));
  return handle;
}
function cancel(handle) {
  if (handle instanceof Immediate) {
    const at = immediates.findIndex((one) => one.handle === handle);
    if (at >= 0) immediates.splice(at, 1);
  } else timers.delete(Number(handle?.id ?? handle));
}

/// The timer that is due first; of those due together, the first that was set.
function soonest() {
  let first;
  for (const timer of timers.values()) if (first === undefined || timer.at < first.at) first = timer;
  return first;
}

function fire(due) {
  if (due.every) due.at = os.now() + due.wait * 1000;
  else timers.delete(due.timer.id);
  guarded(due.call);
}

/// What process.nextTick was given: comes before the jobs of promises, which the host executes next.
function drain() {
  while (ticks.length > 0) guarded(ticks.shift());
}

/// The next thing that happens, and what it leaves to do at once.
function turn() {
  if (ticks.length === 0) happen();
  drain();
}

/// In the order of Node.js: timers that are due, input, immediates, timers to wait for.
function happen() {
  const first = soonest();
  if (first !== undefined && first.at <= os.now()) return fire(first);
  const arriving = processStdin.pending();
  if (arriving !== undefined) return guarded(arriving);
  if (immediates.length > 0) return guarded(immediates.shift());
  if (first !== undefined) {
    flush();
    os.sleep(Math.max(1, Math.ceil((first.at - os.now()) / 1000)));
    return fire(first);
  }
  guarded(() => process.emit('beforeExit', process.exitCode ?? 0));
  if (ticks.length === 0 && immediates.length === 0 && timers.size === 0) leave();
}

/// xorshift128+, seeded by the run.
function reseed(seed) {
  let state = [BigInt.asUintN(64, BigInt(seed)) ^ 0x9e3779b97f4a7c15n, 0xd1b54a32d192ed03n];
  if (state[0] === 0n) state[0] = 1n;
  const words = new Uint32Array(4);
  words.set(state.flatMap((word) => [Number(word & 0xffffffffn), Number(word >> 32n)]));
  const next = () => {
    const t = words[3] ^ words[3] << 11;
    words[3] = words[2];
    words[2] = words[1];
    words[1] = words[0];
    return words[0] = words[0] ^ words[0] >>> 19 ^ t ^ t >>> 8;
  };
  for (let warm = 0; warm < 16; warm++) next();
  random = () => ((next() >>> 0) * 2097152 + (next() >>> 11)) / 9007199254740992;
}

const labels = new Map();
let indent = '';
const say = (write) => (...values) => {
  const text = format(...values);
  write(`${indent === '' ? text : text.replace(/^/gm, indent)}\n`);
};
const out = say(put), error = say(putError);
const console = known('console', {
  log: out,
  info: out,
  debug: out,
  error,
  warn: error,
  trace: error,
  dir: (value, options) => out(inspect(value, options)),
  assert(holds, ...values) { if (!holds) error(...(typeof values[0] === 'string' ? [`Assertion failed: ${values[0]}`, ...values.slice(1)] : values.length > 0 ? ['Assertion failed', ...values] : ['Assertion failed'])); },
  count(label = 'default') {
    labels.set(label, (labels.get(label) ?? 0) + 1);
    out(`${label}: ${labels.get(label)}`);
  },
  countReset(label = 'default') { labels.delete(label); },
  group(...values) {
    if (values.length > 0) out(...values);
    indent += '  ';
  },
  groupEnd() { indent = indent.slice(2); },
  time() {},
  timeEnd(label = 'default') { out(`${label}: 0ms`); },
  timeLog(label = 'default') { out(`${label}: 0ms`); },
});
