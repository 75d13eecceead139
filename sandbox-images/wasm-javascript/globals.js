// The global object of Node.js in place of the engine's own, and `__proofbox`.

function hide(object, parts) {
  for (const [name, value] of Object.entries(parts)) {
    Object.defineProperty(object, name, { value, writable: true, configurable: true, enumerable: false });
  }
}

/// ASCII in the order of its letters for readers, as ICU's root collation has it.
const ORDER = '_-,;:!?.\'"()[]{}@*/\\&#%`^+<=>|~$0123456789aAbBcCdDeEfFgGhHiIjJkKlLmMnNoOpPqQrRsStTuUvVwWxXyYzZ';
const RANK = new Map([...'\t\n\v\f\r ', ...ORDER].map((char, at) => [char, at]));

function compare(one, other) {
  if (one === other) return 0;
  const weight = (char) => RANK.get(char.toLowerCase()) ?? lacking('localeCompare beyond ASCII');
  const least = Math.min(one.length, other.length);
  for (const char of one + other) weight(char);
  for (let at = 0; at < least; at++) {
    const difference = weight(one[at]) - weight(other[at]);
    if (difference !== 0) return Math.sign(difference);
  }
  if (one.length !== other.length) return Math.sign(one.length - other.length);
  for (let at = 0; at < least; at++) {
    if (one[at] !== other[at]) return Math.sign(RANK.get(one[at]) - RANK.get(other[at]));
  }
  return 0;
}

function grouped(digits) { return digits.replace(/\B(?=(\d{3})+$)/g, ','); }

function localeNumber(value) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '-∞';
  if (Math.abs(value) >= 1e21) lacking('toLocaleString of so large a number');
  const [whole, part = ''] = Math.abs(value).toFixed(3).split('.');
  const shown = grouped(whole) + (/[1-9]/.test(part) ? `.${part.replace(/0+$/, '')}` : '');
  return value < 0 || Object.is(value, -0) ? `-${shown}` : shown;
}

const inEnglish = (locale, options) => options === undefined && (locale === undefined || locale === 'en-US' || locale === 'en');
hide(Number.prototype, {
  toLocaleString(locale, options) { return inEnglish(locale, options) ? localeNumber(this.valueOf()) : lacking('toLocaleString with a locale or options'); },
});
hide(BigInt.prototype, {
  toLocaleString(locale, options) { return inEnglish(locale, options) ? `${this < 0n ? '-' : ''}${grouped(`${this < 0n ? -this : this.valueOf()}`)}` : lacking('toLocaleString with a locale or options'); },
});
hide(Date.prototype, {
  toLocaleString() { return lacking('Date.prototype.toLocaleString'); },
  toLocaleDateString() { return lacking('Date.prototype.toLocaleDateString'); },
  toLocaleTimeString() { return lacking('Date.prototype.toLocaleTimeString'); },
});
hide(String.prototype, {
  localeCompare(other, locale, options) {
    return inEnglish(locale, options) ? compare(`${this}`, `${other}`) : lacking('localeCompare with a locale or options');
  },
});
hide(Math, { random: () => random() });

const copying = (value, seen = new Map()) => {
  if (typeof value === 'function' || typeof value === 'symbol') throw new DOMException(`${String(value)} could not be cloned.`, 'DataCloneError');
  if (value === null || typeof value !== 'object') return value;
  if (seen.has(value)) return seen.get(value);
  const kind = tagOf(value).slice(8, -1);
  if (kind === 'Date') return new Date(value.getTime());
  if (kind === 'RegExp') return new RegExp(value.source, value.flags);
  if (ArrayBuffer.isView(value) || kind === 'ArrayBuffer') return value.slice();
  if (kind === 'Number' || kind === 'String' || kind === 'Boolean') return Object(value.valueOf());
  const copy = kind === 'Map' ? new Map() : kind === 'Set' ? new Set() : Array.isArray(value) ? new Array(value.length) : kind === 'Error' ? new globalThis[value.name](value.message) : {};
  seen.set(value, copy);
  if (kind === 'Map') for (const [key, held] of value) copy.set(copying(key, seen), copying(held, seen));
  else if (kind === 'Set') for (const held of value) copy.add(copying(held, seen));
  else for (const key of Object.keys(value)) copy[key] = copying(value[key], seen);
  return copy;
};

for (const name of ['std', 'os', 'bjson', 'print', 'scriptArgs', 'argv0', 'execArgv', 'navigator', 'gc']) delete globalThis[name];
hide(globalThis, {
  global: globalThis,
  process,
  console,
  Buffer,
  setTimeout: later,
  setInterval: repeatedly,
  setImmediate: soon,
  clearTimeout: cancel,
  clearInterval: cancel,
  clearImmediate: cancel,
  structuredClone: (value) => copying(value),
  queueMicrotask: (call) => void Promise.resolve().then(() => guarded(call)),
  __proofbox: {
    begin(file, seed) {
      reseed(seed);
      process.argv[1] = file;
      let body;
      const source = std.loadFile(file);
      try {
        body = compiled(source);
      } catch (error) {
        if (/^\s*(import\b\s*[\w${*'"]|export\b)/m.test(source) || (/\bawait\b/.test(source))) lacking('ES modules (import, export, await outside of functions)');
        refuse(error);
      }
      const module = { exports: {}, filename: file, id: '.', loaded: false, children: [], paths: [] };
      loaded.set(file, module);
      guarded(run, body, module, file);
      module.loaded = true;
      drain();
    },
    /// Waiting is what has the engine look for promises that nobody handled; standard input, which can always be
    /// read, ends it at once.
    check() {
      flush();
      return new Promise((resolve) => os.setReadHandler(0, () => {
        os.setReadHandler(0, null);
        resolve();
      }));
    },
    turn,
    /// Goes the way of a run, so that what is made at first use is made once.
    rehearse() {
      reseed('1');
      random();
      format('%s', 1, [1, 'a', { b: [new Map([[1, 2]])] }, 1n, null], shownError(new Error('x')));
      compiled('return [...[1, 2]].map((x) => x + 1).join()').call();
      stdin.text = undefined;
    },
  },
});
