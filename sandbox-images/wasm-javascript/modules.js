// The part of Node.js that programs which read standard input and print need: Buffer, events, fs, readline,
// process, timers. Names of modules and functions that Node.js has and this does not are noted when they are
// asked for; a program that fails after that has failed for want of them.

const stdin = { text: undefined, bytes: undefined };

/// All of standard input that has not been read, as text; QuickJS decodes faster than JavaScript could.
function inputText() {
  stdin.text ??= std.in.readAsString();
  return stdin.text;
}

function inputBytes() {
  if (stdin.text !== undefined) return Buffer.from(stdin.text);
  stdin.text = '';
  return Buffer.from(std.in.readAsArrayBuffer());
}

const output = { pieces: [], length: 0 };

function put(text) {
  output.pieces.push(text);
  output.length += text.length;
  if (output.length > 65536) flush();
}

function flush() {
  if (output.length === 0) return;
  std.out.puts(output.pieces.join(''));
  std.out.flush();
  output.pieces = [];
  output.length = 0;
}

function putError(text) {
  std.err.puts(text);
  std.err.flush();
}

/// Bytes as they are, past the text that waits.
function putBytes(file, bytes) {
  if (file === std.out) flush();
  file.write(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  file.flush();
}

function decoded(bytes, encoding = 'utf8') {
  const kind = `${encoding}`.toLowerCase();
  const chars = (from, to) => String.fromCharCode.apply(null, bytes.subarray(from, to));
  let text = '';
  switch (kind) {
    case 'hex':
      for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
      return text;
    case 'base64':
      for (let at = 0; at < bytes.length; at += 8190) text += chars(at, at + 8190);
      return btoa(text);
    case 'latin1': case 'binary': case 'ascii': case 'utf8': case 'utf-8': break;
    default: return lacking(`the encoding ${encoding}`);
  }
  for (let at = 0; at < bytes.length; at += 8192) text += chars(at, at + 8192);
  if (!/[\x80-\xff]/.test(text)) return text;
  if (kind === 'ascii') return text.replace(/[\x80-\xff]/g, (char) => String.fromCharCode(char.charCodeAt(0) & 127));
  if (kind !== 'utf8' && kind !== 'utf-8') return text;
  const wide = [];
  for (let at = 0; at < bytes.length;) at += decodeOne(bytes, at, wide);
  text = '';
  for (let at = 0; at < wide.length; at += 8192) text += String.fromCharCode.apply(null, wide.slice(at, at + 8192));
  return text;
}

/// Decodes one character of UTF-8; returns how many bytes it had.
function decodeOne(bytes, at, wide) {
  const first = bytes[at];
  const [more, least, bits] = first < 0x80 ? [0, 0, first] : first >= 0xc2 && first < 0xe0 ? [1, 0x80, first & 31]
    : first >= 0xe0 && first < 0xf0 ? [2, 0x800, first & 15] : first >= 0xf0 && first < 0xf5 ? [3, 0x10000, first & 7] : [0, 0, -1];
  let code = bits;
  for (let next = 1; next <= more && code >= 0; next++) {
    const byte = bytes[at + next];
    code = byte !== undefined && (byte & 0xc0) === 0x80 ? code << 6 | byte & 63 : -1;
  }
  if (code < least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
    wide.push(0xfffd);
    return 1;
  }
  if (code < 0x10000) wide.push(code);
  else wide.push(0xd800 + (code - 0x10000 >> 10), 0xdc00 + (code - 0x10000 & 1023));
  return more + 1;
}

function encoded(text) {
  if (!/[^\x00-\x7f]/.test(text)) {
    const bytes = new Uint8Array(text.length);
    for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
    return bytes;
  }
  const escaped = unescape(encodeURIComponent(text.toWellFormed()));
  return Uint8Array.from(escaped, (char) => char.charCodeAt(0));
}

class Buffer extends Uint8Array {
  static from(value, encoding = 'utf8', length) {
    if (typeof value === 'string') {
      const kind = encoding.toLowerCase();
      if (kind === 'utf8' || kind === 'utf-8') return Buffer.over(encoded(value));
      if (kind === 'hex') return Buffer.over(Uint8Array.from(value.match(/../g) ?? [], (pair) => parseInt(pair, 16)));
      if (kind === 'base64') return Buffer.over(Uint8Array.from(atob(value), (char) => char.charCodeAt(0)));
      if (kind === 'latin1' || kind === 'binary' || kind === 'ascii') return Buffer.over(Uint8Array.from(value, (char) => char.charCodeAt(0)));
      return lacking(`the encoding ${encoding}`);
    }
    if (value instanceof ArrayBuffer) return new Buffer(value, encoding === 'utf8' ? 0 : encoding, length);
    return Buffer.over(Uint8Array.from(value));
  }
  static over(bytes) { return new Buffer(bytes.buffer, bytes.byteOffset, bytes.byteLength); }
  static alloc(length, fill) { const made = new Buffer(length); return fill === undefined ? made : made.fill(fill); }
  static allocUnsafe(length) { return new Buffer(length); }
  static isBuffer(value) { return value instanceof Buffer; }
  static byteLength(value, encoding) { return typeof value === 'string' ? Buffer.from(value, encoding).length : value.byteLength; }
  static concat(list, length) {
    const all = new Buffer(length ?? list.reduce((sum, one) => sum + one.length, 0));
    let at = 0;
    for (const one of list) {
      const part = one.subarray(0, all.length - at);
      all.set(part, at);
      at += part.length;
    }
    return all;
  }
  toString(encoding, start = 0, end = this.length) { return decoded(this.subarray(start, end), encoding); }
  slice(start, end) { return this.subarray(start, end); }
  equals(other) { return this.length === other.length && this.every((byte, at) => byte === other[at]); }
  toJSON() { return { type: 'Buffer', data: [...this] }; }
  fill(value, ...range) {
    if (typeof value !== 'string') return super.fill(value, ...range);
    const bytes = Buffer.from(value);
    for (let at = 0; bytes.length > 0 && at < this.length; at++) this[at] = bytes[at % bytes.length];
    return this;
  }
  write(text, at = 0) {
    const bytes = Buffer.from(text).subarray(0, this.length - at);
    this.set(bytes, at);
    return bytes.length;
  }
  [Symbol.for('nodejs.util.inspect.custom')]() {
    const shown = [...this.subarray(0, 50)].map((byte) => byte.toString(16).padStart(2, '0'));
    const more = this.length > 50 ? ` ... ${this.length - 50} more byte${this.length > 51 ? 's' : ''}` : '';
    return `<Buffer${shown.map((byte) => ` ${byte}`).join('')}${more}>`;
  }
}

class EventEmitter {
  #listeners = new Map();
  on(name, listener) {
    if (typeof listener !== 'function') throw new TypeError('The "listener" argument must be of type function.');
    this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), { listener, once: false }]);
    this._listening?.(name);
    return this;
  }
  addListener(name, listener) { return this.on(name, listener); }
  prependListener(name, listener) {
    this.#listeners.set(name, [{ listener, once: false }, ...(this.#listeners.get(name) ?? [])]);
    this._listening?.(name);
    return this;
  }
  once(name, listener) {
    this.on(name, listener);
    this.#listeners.get(name).at(-1).once = true;
    return this;
  }
  off(name, listener) {
    const all = this.#listeners.get(name) ?? [], at = all.findLastIndex((one) => one.listener === listener);
    if (at >= 0) this.#listeners.set(name, all.filter((_, place) => place !== at));
    return this;
  }
  removeListener(name, listener) { return this.off(name, listener); }
  removeAllListeners(name) {
    if (name === undefined) this.#listeners.clear();
    else this.#listeners.delete(name);
    return this;
  }
  setMaxListeners() { return this; }
  listenerCount(name) { return (this.#listeners.get(name) ?? []).length; }
  listeners(name) { return (this.#listeners.get(name) ?? []).map((one) => one.listener); }
  eventNames() { return [...this.#listeners].filter(([, all]) => all.length > 0).map(([name]) => name); }
  emit(name, ...values) {
    const all = this.#listeners.get(name) ?? [];
    if (all.length === 0) {
      if (name === 'error') throw values[0] instanceof Error ? values[0] : new Error(`Unhandled error. (${inspect(values[0])})`);
      return false;
    }
    for (const { listener, once } of all) {
      if (once) this.off(name, listener);
      listener.apply(this, values);
    }
    return true;
  }
}
EventEmitter.EventEmitter = EventEmitter;

/// Values that come by events, for `for await`; `close` is called when the loop is left early.
class Arrivals {
  #ready = [];
  #waiting = [];
  #ended = false;
  constructor(close) { this.close = close; }
  add(value) {
    if (this.#waiting.length > 0) this.#waiting.shift()({ value, done: false });
    else this.#ready.push(value);
  }
  end() {
    this.#ended = true;
    for (const waiting of this.#waiting.splice(0)) waiting({ value: undefined, done: true });
  }
  next() {
    if (this.#ready.length > 0) return Promise.resolve({ value: this.#ready.shift(), done: false });
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
  return(value) { this.close(); this.end(); return Promise.resolve({ value, done: true }); }
  [Symbol.asyncIterator]() { return this; }
}

/// Standard input as a stream: everything there is arrives at once, then the end.
class Stdin extends EventEmitter {
  fd = 0;
  #encoding = null;
  #state = 'unread';
  #flowing = false;
  #readable = undefined;
  _listening(name) {
    if (name === 'data') this.resume();
    if (name === 'readable') this.#readable ??= null;
  }
  setEncoding(encoding) { this.#encoding = encoding ?? 'utf8'; return this; }
  resume() { this.#flowing = true; return this; }
  pause() { this.#flowing = false; return this; }
  isPaused() { return !this.#flowing; }
  ref() { return this; }
  unref() { return this; }
  destroy() { this.#state = 'ended'; return this; }
  #take() {
    const bytes = this.#encoding === null ? inputBytes() : undefined;
    return bytes ?? (/^utf-?8$/i.test(this.#encoding) ? inputText() : inputBytes().toString(this.#encoding));
  }
  /// The next thing that happens to it; `undefined`: nothing will.
  pending() {
    if (this.#state === 'ended') return undefined;
    if (this.#readable !== undefined) return () => this.#readableEvent();
    if (!this.#flowing) return undefined;
    return () => {
      if (this.#state === 'unread') {
        this.#state = 'read';
        const chunk = this.#take();
        stdin.text = '';
        if (chunk.length > 0) return void this.emit('data', chunk);
      }
      this.#end();
    };
  }
  #end() {
    this.#state = 'ended';
    this.emit('end');
    ticks.push(() => this.emit('close'));
  }
  #readableEvent() {
    if (this.#state === 'unread') {
      this.#state = 'read';
      const chunk = this.#take();
      stdin.text = '';
      this.#readable = chunk.length > 0 ? chunk : null;
      this.emit('readable');
      return;
    }
    if (this.#readable !== null) return;
    this.#end();
  }
  read(size) {
    if (size !== undefined) lacking('stdin.read with a size');
    const chunk = this.#readable ?? null;
    this.#readable = null;
    return chunk;
  }
  pipe() { return lacking('stdin.pipe'); }
  [Symbol.asyncIterator]() {
    const arrivals = new Arrivals(() => this.pause());
    this.on('data', (chunk) => arrivals.add(chunk)).on('end', () => arrivals.end());
    return arrivals;
  }
}

class Stdout extends EventEmitter {
  constructor(fd, file, put) { super(); Object.assign(this, { fd, _file: file, _put: put, writable: true }); }
  write(chunk, encoding, done) {
    const after = typeof encoding === 'function' ? encoding : done;
    if (typeof chunk === 'string') this._put(chunk);
    else if (chunk instanceof Uint8Array) putBytes(this._file, chunk);
    else throw Object.assign(new TypeError(`The "chunk" argument must be of type string or an instance of Buffer, TypedArray, or DataView.${received(chunk)}`), { code: 'ERR_INVALID_ARG_TYPE' });
    if (after) ticks.push(() => after());
    return true;
  }
  end(chunk, encoding, done) {
    if (chunk !== undefined && typeof chunk !== 'function') this.write(chunk, encoding);
    const after = [chunk, encoding, done].find((value) => typeof value === 'function');
    if (after) ticks.push(() => after());
    return this;
  }
  cork() {}
  uncork() {}
}

function received(value) {
  if (value === null || value === undefined) return ` Received ${value}`;
  if (typeof value === 'object') return ` Received an instance of ${constructorOf(value)}`;
  return ` Received type ${typeof value} (${inspect(value)})`;
}

/// readline's interface over standard input: lines as events, answers, or a loop's values.
class Interface extends EventEmitter {
  #rest = '';
  #question;
  #prompt = '> ';
  #endedByReturn = false;
  closed = false;
  constructor(options, output) {
    super();
    const input = options?.input ?? options;
    if (input !== processStdin) lacking('readline over anything but process.stdin');
    this.output = options.output ?? output;
    if (options.prompt !== undefined) this.#prompt = options.prompt;
    this._data = (chunk) => this.#feed(typeof chunk === 'string' ? chunk : chunk.toString());
    this._end = () => {
      if (this.#rest !== '') this.#line(this.#rest);
      this.#rest = '';
      this.close();
    };
    input.on('data', this._data).on('end', this._end);
    input.resume();
  }
  #feed(text) {
    if (this.#endedByReturn && text.startsWith('\n')) text = text.slice(1);
    this.#endedByReturn = false;
    const all = this.#rest + text, lines = all.split(/\r?\n|\r(?!\n)|\u2028|\u2029/);
    this.#endedByReturn = all.endsWith('\r');
    this.#rest = lines.pop();
    for (const line of lines) this.#line(line);
  }
  #line(line) {
    const answer = this.#question;
    this.#question = undefined;
    if (answer) answer(line);
    else this.emit('line', line);
  }
  question(query, options, done) {
    const answer = typeof options === 'function' ? options : done;
    if (this.closed) throw Object.assign(new Error('readline was closed'), { code: 'ERR_USE_AFTER_CLOSE' });
    if (this.#question) return;
    if (this.output) this.output.write(`${query}`);
    this.#question = answer;
  }
  setPrompt(prompt) { this.#prompt = prompt; }
  getPrompt() { return this.#prompt; }
  prompt() { if (this.output) this.output.write(this.#prompt); }
  write() { lacking('readline.write'); }
  pause() { processStdin.pause(); this.emit('pause'); return this; }
  resume() { processStdin.resume(); this.emit('resume'); return this; }
  close() {
    if (this.closed) return;
    this.closed = true;
    processStdin.off('data', this._data).off('end', this._end).pause();
    this.emit('close');
  }
  [Symbol.asyncIterator]() {
    const arrivals = new Arrivals(() => this.close());
    this.on('line', (line) => arrivals.add(line)).on('close', () => arrivals.end());
    return arrivals;
  }
}

const processStdin = new Stdin(), processStdout = new Stdout(1, undefined, put), processStderr = new Stdout(2, undefined, putError);
