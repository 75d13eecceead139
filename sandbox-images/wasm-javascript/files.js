// The module fs over the run's own files, and the list of modules that programs may ask for.

const CODES = { ENOENT: 'no such file or directory', EISDIR: 'illegal operation on a directory', EACCES: 'permission denied', EROFS: 'read-only file system', EEXIST: 'file already exists', ENOSPC: 'no space left on device', EBADF: 'bad file descriptor', ENOTDIR: 'not a directory', EMFILE: 'too many open files' };
const open = new Map();

function fileError(code, call, path) {
  const where = path === undefined ? '' : ` '${path}'`;
  return Object.assign(new Error(`${code}: ${CODES[code]}, ${call}${where}`), { code, syscall: call, path });
}

const isStdin = (path) => path === 0 || path === '/dev/stdin' || path === '/proc/self/fd/0' || open.get(path)?.path === 0;
const streamOf = (path) => {
  if (path === 1 || path === '/dev/stdout' || open.get(path)?.path === 1) return processStdout;
  return path === 2 || path === '/dev/stderr' || open.get(path)?.path === 2 ? processStderr : undefined;
};
const pathOf = (path) => {
  const text = `${open.get(path)?.path ?? path}`;
  return text.startsWith('/') ? text : `/tmp/work/${text.replace(/^\.\//, '')}`;
};
const encodingOf = (options) => (typeof options === 'string' ? options : options?.encoding ?? null);

function readBytes(path) {
  const file = std.open(pathOf(path), 'rb');
  if (file === null) throw fileError(kindOf(path) === 'directory' ? 'EISDIR' : 'ENOENT', 'open', path);
  const bytes = Buffer.from(file.readAsArrayBuffer());
  file.close();
  return bytes;
}

function kindOf(path) {
  const [stat, failed] = os.stat(pathOf(path));
  if (failed !== 0) return undefined;
  return (stat.mode & os.S_IFMT) === os.S_IFDIR ? 'directory' : 'file';
}

function writeFile(path, data, mode) {
  const bytes = typeof data === 'string' ? encoded(data) : data;
  const file = std.open(pathOf(path), mode);
  if (file === null) throw fileError(kindOf(path) === 'directory' ? 'EISDIR' : 'ENOENT', 'open', path);
  file.write(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (file.close() !== 0) throw fileError('ENOSPC', 'write', path);
}

const fs = {
  readFileSync(path, options) {
    const encoding = encodingOf(options);
    if (isStdin(path)) {
      if (encoding === null || !/^utf-?8$/i.test(encoding)) {
        const bytes = inputBytes();
        return encoding === null ? bytes : bytes.toString(encoding);
      }
      const text = inputText();
      stdin.text = '';
      return text;
    }
    const bytes = readBytes(path);
    return encoding === null ? bytes : bytes.toString(encoding);
  },
  writeFileSync(path, data) {
    const stream = streamOf(path), content = data instanceof Uint8Array ? data : `${data}`;
    if (stream) stream.write(content);
    else writeFile(path, content, 'wb');
  },
  appendFileSync(path, data) {
    const stream = streamOf(path), content = data instanceof Uint8Array ? data : `${data}`;
    if (stream) stream.write(content);
    else writeFile(path, content, 'ab');
  },
  existsSync: (path) => isStdin(path) || streamOf(path) !== undefined || kindOf(path) !== undefined,
  openSync(path, flags = 'r') {
    const stream = streamOf(path), fd = 3 + open.size;
    if (!isStdin(path) && !stream) {
      if (flags !== 'r' && flags !== 'rs') lacking(`fs.openSync of a file with ${flags}`);
      readBytes(path);
    }
    open.set(fd, { path: isStdin(path) ? 0 : stream ? stream.fd : path, position: 0 });
    return fd;
  },
  closeSync(fd) { open.delete(fd); },
  readSync(fd, into, offset = 0, length = into.byteLength - offset, position = null) {
    if (typeof offset === 'object') ({ offset = 0, length = into.byteLength - offset, position = null } = offset ?? {});
    if (isStdin(fd)) {
      stdin.bytes ??= inputBytes();
      const part = stdin.bytes.subarray(0, length);
      into.set(part, offset);
      stdin.bytes = stdin.bytes.subarray(part.length);
      return part.length;
    }
    const held = open.get(fd);
    if (held === undefined) throw fileError('EBADF', 'read');
    const from = position === null ? held.position : Number(position);
    const part = readBytes(held.path).subarray(from, from + length);
    into.set(part, offset);
    if (position === null) held.position += part.length;
    return part.length;
  },
  writeSync(fd, data, ...rest) {
    const stream = streamOf(fd);
    if (!stream) return lacking('fs.writeSync to a file');
    if (data instanceof Uint8Array) {
      const [offset = 0, length = data.length - offset] = rest;
      stream.write(data.subarray(offset, offset + length));
      return length;
    }
    stream.write(`${data}`);
    return encoded(`${data}`).length;
  },
  unlinkSync(path) { if (os.remove(pathOf(path)) !== 0) throw fileError('ENOENT', 'unlink', path); },
  mkdirSync(path) { if (os.mkdir(pathOf(path)) !== 0) throw fileError(kindOf(path) ? 'EEXIST' : 'ENOENT', 'mkdir', path); },
  readdirSync(path) {
    const [names, failed] = os.readdir(pathOf(path));
    if (failed !== 0) throw fileError('ENOENT', 'scandir', path);
    return names.filter((name) => name !== '.' && name !== '..').sort();
  },
  statSync(path) {
    const kind = kindOf(path);
    if (!isStdin(path) && kind === undefined) throw fileError('ENOENT', 'stat', path);
    const size = kind === 'file' ? os.stat(pathOf(path))[0].size : 0;
    return { size, isFile: () => kind === 'file', isDirectory: () => kind === 'directory' };
  },
  /// Answers come as those of Node.js do: not before the caller has returned.
  readFile(path, options, done) {
    const after = done ?? options, asked = done === undefined ? undefined : options;
    immediates.push(() => {
      let answer;
      try {
        answer = [null, fs.readFileSync(path, asked)];
      } catch (error) {
        answer = [error];
      }
      after(...answer);
    });
  },
};
fs.promises = known('fs.promises', {
  readFile: async (path, options) => fs.readFileSync(path, options),
  writeFile: async (path, data) => fs.writeFileSync(path, data),
});

const readline = {
  Interface,
  createInterface: (options, output) => new Interface(options, output),
};
readline.promises = known('readline/promises', {
  createInterface(options, output) {
    const made = new Interface(options, output), ask = made.question.bind(made);
    made.question = (query) => new Promise((resolve) => ask(query, resolve));
    return made;
  },
});

/// A module whose missing parts are noted when they are asked for.
function known(name, parts) {
  return new Proxy(parts, {
    get(target, key) {
      if (typeof key === 'string' && !(key in target) && key !== 'then' && key !== 'default') note(`${name}.${key}`);
      return target[key];
    },
  });
}

const util = {
  inspect: Object.assign(inspect, { custom: Symbol.for('nodejs.util.inspect.custom') }),
  format,
  isArray: Array.isArray,
  inherits(kind, parent) { Object.setPrototypeOf(kind.prototype, parent.prototype); },
  promisify: (call) => (...values) => new Promise((resolve, reject) => call(...values, (error, value) => (error ? reject(error) : resolve(value)))),
  isDeepStrictEqual: (one, other) => equal(one, other, true),
};

/// Equality as assert's deepEqual has it, strictly or not.
function equal(one, other, strict) {
  if (strict ? Object.is(one, other) : one == other || (one !== one && other !== other)) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  if (tagOf(one) !== tagOf(other) || (strict && Object.getPrototypeOf(one) !== Object.getPrototypeOf(other))) return false;
  if (one instanceof Date || one instanceof Number || one instanceof String || one instanceof Boolean) {
    if (!Object.is(one.valueOf(), other.valueOf())) return false;
  }
  if (one instanceof RegExp && `${one}` !== `${other}`) return false;
  if (one instanceof Error && (one.message !== other.message || one.name !== other.name)) return false;
  if (one instanceof Set || one instanceof Map) {
    if (one.size !== other.size) return false;
    const rest = [...other];
    for (const item of one) {
      const at = rest.findIndex((candidate) => equal(item, candidate, strict));
      if (at < 0) return false;
      rest.splice(at, 1);
    }
  }
  if (Array.isArray(one) && one.length !== other.length) return false;
  const keys = ownKeys(one);
  return keys.length === ownKeys(other).length && keys.every((key) => Object.hasOwn(other, key) && equal(one[key], other[key], strict));
}

class AssertionError extends Error {
  constructor({ message, actual, expected, operator }) {
    super(message);
    Object.assign(this, { generatedMessage: false, code: 'ERR_ASSERTION', actual, expected, operator });
  }
}
AssertionError.prototype.name = 'AssertionError';

function demand(holds, message, usual, actual, expected, operator) {
  if (holds) return;
  if (message instanceof Error) throw message;
  throw new AssertionError({ message: message ?? usual, actual, expected, operator });
}

function assert(value, message) { demand(value, message, 'The expression evaluated to a falsy value', value, true, '=='); }
const comparing = (operator, holds) => (actual, expected, message) => demand(holds(actual, expected), message, `${inspect(actual)} ${operator} ${inspect(expected)}`, actual, expected, operator);
Object.assign(assert, {
  ok: assert,
  AssertionError,
  equal: comparing('==', (one, other) => one == other || (one !== one && other !== other)),
  notEqual: comparing('!=', (one, other) => one != other),
  strictEqual: comparing('strictEqual', Object.is),
  notStrictEqual: comparing('notStrictEqual', (one, other) => !Object.is(one, other)),
  deepEqual: comparing('deepEqual', (one, other) => equal(one, other, false)),
  deepStrictEqual: comparing('deepStrictEqual', (one, other) => equal(one, other, true)),
  notDeepEqual: comparing('notDeepEqual', (one, other) => !equal(one, other, false)),
  notDeepStrictEqual: comparing('notDeepStrictEqual', (one, other) => !equal(one, other, true)),
  fail(message) { demand(false, message, 'Failed'); },
  throws(call, expected, message) {
    if (expected !== undefined && typeof expected !== 'string') lacking('assert.throws with an expectation');
    try {
      call();
    } catch {
      return;
    }
    demand(false, message ?? expected, 'Missing expected exception.');
  },
});
assert.strict = assert;
