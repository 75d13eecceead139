// How values are shown by console.log: the layout of Node.js, which expected outputs were written with.
//
// Lines are filled up to 72 to 80 columns, objects more than two levels down are named only, long arrays become
// columns; src/tests/wasm/javascript.rs compares it with Node.js itself where that is installed.

const LINE = 80, LEVELS_IN_A_LINE = 3, MOST_ITEMS = 100;
const IDENTIFIER = /^[a-zA-Z_][a-zA-Z_0-9]*$/;
const toText = Function.prototype.call.bind(Function.prototype.toString);
const tagOf = Function.prototype.call.bind(Object.prototype.toString);

function quoted(text) {
  let quote = "'";
  if (text.includes("'")) {
    if (!text.includes('"')) quote = '"';
    else if (!text.includes('`') && !text.includes('${')) quote = '`';
  }
  const names = { '\b': '\\b', '\t': '\\t', '\n': '\\n', '\f': '\\f', '\r': '\\r', '\\': '\\\\' };
  let shown = '';
  for (const part of text) {
    const code = part.charCodeAt(0);
    if (part === quote) shown += '\\' + part;
    else if (names[part]) shown += names[part];
    else if (code < 32 || (code >= 127 && code <= 159)) shown += '\\x' + code.toString(16).toUpperCase().padStart(2, '0');
    else if (part.length === 1 && code >= 0xd800 && code <= 0xdfff) shown += '\\u' + code.toString(16).toUpperCase();
    else shown += part;
  }
  return quote + shown + quote;
}

function constructorOf(value) {
  for (let proto = value; proto !== null; proto = Object.getPrototypeOf(proto)) {
    const found = Object.getOwnPropertyDescriptor(proto, 'constructor');
    if (found && typeof found.value === 'function' && found.value.name !== '' && proto !== value) return found.value.name;
  }
  return null;
}

function shownPrimitive(value, state) {
  switch (typeof value) {
    case 'string': {
      const room = LINE - state.indent - 4;
      if (value.length > 16 && value.length > room && value.includes('\n')) {
        return value.split(/(?<=\n)/).map(quoted).join(` +\n${' '.repeat(state.indent + 2)}`);
      }
      return quoted(value);
    }
    case 'number': return Object.is(value, -0) ? '-0' : `${value}`;
    case 'bigint': return `${value}n`;
    case 'symbol': return value.toString();
    default: return `${value}`;
  }
}

function shownFunction(value) {
  const text = toText(value), own = Object.getOwnPropertyDescriptor(value, 'name');
  const name = own && typeof own.value === 'string' ? own.value : '';
  if (text.startsWith('class')) {
    const parent = Object.getPrototypeOf(value);
    const above = parent && parent !== Function.prototype && parent.name ? ` extends ${parent.name}` : '';
    return `[class ${name === '' ? '(anonymous)' : name}${above}]`;
  }
  const kind = tagOf(value).slice(8, -1);
  return `[${kind}${name === '' ? ' (anonymous)' : `: ${name}`}]`;
}

function shownKey(key) {
  if (typeof key === 'symbol') return `[${key.toString()}]`;
  if (key === '__proto__') return "['__proto__']";
  return IDENTIFIER.test(key) ? key : quoted(key);
}

function shownProperty(object, key, depth, state) {
  const { get, set, value } = Object.getOwnPropertyDescriptor(object, key);
  if (get) return set ? '[Getter/Setter]' : '[Getter]';
  if (set) return '[Setter]';
  return nested(value, depth, state);
}

function nested(value, depth, state) {
  state.indent += 2;
  const shown = show(value, depth, state);
  state.indent -= 2;
  return shown;
}

function ownKeys(value, isKey = () => true) {
  const symbols = Object.getOwnPropertySymbols(value);
  const enumerable = (key) => Object.prototype.propertyIsEnumerable.call(value, key);
  return [...Object.keys(value).filter(isKey), ...symbols.filter(enumerable)];
}

/// Items of an array, with its holes counted.
function shownItems(value, length, depth, state) {
  const items = [];
  let at = 0;
  while (at < length && items.length < MOST_ITEMS) {
    if (!(at in value)) {
      const from = at;
      while (at < length && !(at in value)) at++;
      items.push(`<${at - from} empty item${at - from > 1 ? 's' : ''}>`);
      continue;
    }
    items.push(ArrayBuffer.isView(value) ? shownPrimitive(value[at], state) : shownProperty(value, `${at}`, depth, state));
    at++;
  }
  if (at < length) items.push(`... ${length - at} more item${length - at > 1 ? 's' : ''}`);
  return items;
}

/// What stands before the braces, the braces, and what is between them.
function parts(value, depth, state) {
  const name = constructorOf(value), tag = tagOf(value).slice(8, -1);
  const named = (usual, size) => (name === usual && size === undefined ? '' : `${name ?? `[${usual}: null prototype]`}${size === undefined ? '' : `(${size})`} `);
  const inside = { array: false, keys: undefined };
  if (Array.isArray(value)) {
    const open = name === 'Array' ? '[' : `${named('Array', value.length)}[`;
    return { ...inside, open, close: ']', array: true, items: () => shownItems(value, value.length, depth, state), keys: ownKeys(value, (key) => !/^(0|[1-9]\d{0,9})$/.test(key)) };
  }
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    const open = `${named(tag, value.length)}[`;
    return { ...inside, open, close: ']', array: true, items: () => shownItems(value, value.length, depth, state), keys: ownKeys(value, (key) => !/^\d+$/.test(key)) };
  }
  if (value instanceof Map) {
    const item = ([key, held]) => `${nested(key, depth, state)} => ${nested(held, depth, state)}`;
    return { ...inside, open: `${named('Map', value.size)}${name === 'Map' ? '' : '[Map] '}{`, close: '}', items: () => bounded([...Map.prototype.entries.call(value)], item) };
  }
  if (value instanceof Set) {
    const item = (held) => nested(held, depth, state);
    return { ...inside, open: `${named('Set', value.size)}${name === 'Set' ? '' : '[Set] '}{`, close: '}', items: () => bounded([...Set.prototype.values.call(value)], item) };
  }
  if (typeof value === 'function') return { ...inside, base: shownFunction(value), open: '{', close: '}', items: () => [] };
  if (value instanceof RegExp) return { ...inside, base: RegExp.prototype.toString.call(value), open: '{', close: '}', items: () => [] };
  if (value instanceof Date) {
    const base = Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
    return { ...inside, base, open: '{', close: '}', items: () => [] };
  }
  if (value instanceof Error) return { ...inside, base: shownError(value), open: '{', close: '}', items: () => [], keys: ownKeys(value, (key) => key !== 'stack' && key !== 'message') };
  for (const kind of [Number, String, Boolean, BigInt, Symbol]) {
    if (value instanceof kind) {
      const base = `[${kind.name}: ${shownPrimitive(value.valueOf(), state)}]`;
      return { ...inside, base, open: '{', close: '}', items: () => [], keys: ownKeys(value, (key) => !(kind === String && /^\d+$/.test(key))) };
    }
  }
  if (value instanceof WeakMap || value instanceof WeakSet) {
    return { ...inside, open: `${name} {`, close: '}', items: () => ['<items unknown>'] };
  }
  if (value instanceof Promise || tag.endsWith(' Iterator')) {
    lacking(`console.log of ${name ?? tag}`);
  }
  if (tag === 'Arguments') return { ...inside, open: '[Arguments] {', close: '}', items: () => [] };
  const label = tag !== 'Object' && tag !== name && tag !== '' ? `${name ?? 'Object'} [${tag}] ` : named('Object');
  return { ...inside, open: `${label}{`, close: '}', items: () => [] };
}

function bounded(all, shown) {
  const items = all.slice(0, MOST_ITEMS).map(shown);
  const left = all.length - items.length;
  return left > 0 ? [...items, `... ${left} more item${left > 1 ? 's' : ''}`] : items;
}

function shownError(error) {
  const head = `${error}`;
  const stack = typeof error.stack === 'string' ? error.stack.trimEnd() : '';
  if (stack.startsWith(head)) return stack;
  return stack === '' ? `[${head}]` : `${head}\n${stack}`;
}

function show(value, depth, state) {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return shownPrimitive(value, state);
  const custom = value[Symbol.for('nodejs.util.inspect.custom')];
  if (typeof custom === 'function') {
    const shown = custom.call(value, 2 - depth, {}, inspect);
    return typeof shown === 'string' ? shown : show(shown, depth, state);
  }
  if (state.above.includes(value)) {
    if (!state.circular.has(value)) state.circular.set(value, state.circular.size + 1);
    return `[Circular *${state.circular.get(value)}]`;
  }
  const form = parts(value, depth + 1, state);
  const keys = form.keys ?? ownKeys(value);
  const size = Array.isArray(value) || ArrayBuffer.isView(value) ? value.length : value instanceof Map || value instanceof Set ? value.size : 0;
  if (depth > state.depth && size + keys.length > 0) {
    if (form.base !== undefined) return `[${constructorOf(value)}]`;
    return `[${Array.isArray(value) ? 'Array' : constructorOf(value) ?? 'Object: null prototype'}]`;
  }
  if (size + keys.length > 0 || value instanceof WeakMap || value instanceof WeakSet) state.deepest = depth;
  state.above.push(value);
  let items = form.items();
  for (const key of keys) items.push(`${shownKey(key)}: ${shownProperty(value, key, depth + 1, state)}`);
  state.above.pop();
  let base = form.base ?? '', open = form.open;
  if (state.circular.has(value)) {
    const mark = `<ref *${state.circular.get(value)}>`;
    if (base === '') open = `${mark} ${open}`;
    else base = `${mark} ${base}`;
  }
  if (items.length === 0) return base === '' ? `${open}${form.close}` : base;
  return laidOut(items, base, open, form, depth, state, value);
}

function laidOut(items, base, open, form, depth, state, value) {
  const count = items.length, before = base === '' ? '' : `${base} `;
  if (form.array && count > 6) items = inColumns(items, state, value);
  if (state.deepest - depth < LEVELS_IN_A_LINE && count === items.length) {
    const start = items.length + state.indent + open.length + base.length + 10;
    const total = items.reduce((sum, item) => sum + item.length, items.length + start);
    const line = items.join(', ');
    if (total <= LINE && !base.includes('\n') && !line.includes('\n')) return `${before}${open} ${line} ${form.close}`;
  }
  const indent = `\n${' '.repeat(state.indent)}`;
  return `${before}${open}${indent}  ${items.join(`,${indent}  `)}${indent}${form.close}`;
}

/// Long arrays as rows: about two and a half times as wide as high, at most 15 columns, numbers to the right.
function inColumns(items, state, value) {
  const count = value.length > MOST_ITEMS && items.length > MOST_ITEMS ? items.length - 1 : items.length;
  const lengths = items.slice(0, count).map((item) => [...item].length);
  const sum = lengths.reduce((total, length) => total + length + 2, 0), longest = Math.max(...lengths) + 2;
  if (longest * 3 + state.indent >= LINE || !(sum / longest > 5 || longest - 2 <= 6)) return items;
  const biased = Math.max(longest - 3 - Math.sqrt(longest - sum / items.length), 1);
  const columns = Math.min(
    Math.round(Math.sqrt(2.5 * biased * count) / biased),
    Math.floor((LINE - state.indent) / longest),
    LEVELS_IN_A_LINE * 4,
    15,
  );
  if (columns <= 1) return items;
  const widths = Array.from({ length: columns }, (_, column) => {
    let width = 0;
    for (let at = column; at < count; at += columns) width = Math.max(width, lengths[at]);
    return width + 2;
  });
  const isNumber = (at) => typeof value[at] === 'number' || typeof value[at] === 'bigint';
  const right = items.every((_, at) => isNumber(at));
  const rows = [];
  for (let from = 0; from < count; from += columns) {
    const to = Math.min(from + columns, count);
    let row = '';
    for (let at = from; at < to; at++) {
      const isLast = at === to - 1, cell = isLast ? items[at] : `${items[at]}, `;
      const width = widths[at - from] + items[at].length - lengths[at] - (isLast ? 2 : 0);
      if (right) row += cell.padStart(width);
      else row += isLast ? cell : cell.padEnd(width);
    }
    rows.push(row);
  }
  return count < items.length ? [...rows, items[count]] : rows;
}

function inspect(value, options) {
  const depth = options && options.depth !== undefined ? options.depth : 2;
  for (const option of Object.keys(options ?? {})) {
    if (!['depth', 'colors'].includes(option)) lacking(`util.inspect with the option ${option}`);
  }
  return show(value, 0, { depth: depth === null ? Infinity : depth, indent: 0, deepest: 0, above: [], circular: new Map() });
}

/// The text of console.log's arguments.
function format(...values) {
  let text = '', next = 0;
  if (typeof values[0] === 'string') {
    next = 1;
    text = values.length === 1 ? values[0] : values[0].replace(/%([sdifjoOc%])/g, (whole, kind) => {
      if (kind === '%') return '%';
      if (next >= values.length) return whole;
      const value = values[next++];
      switch (kind) {
        case 's': return shownForString(value);
        case 'd': return typeof value === 'object' || typeof value === 'symbol' ? 'NaN' : typeof value === 'bigint' ? `${value}n` : shownPrimitive(Number(value), { indent: 0 });
        case 'i': return typeof value === 'object' || typeof value === 'symbol' ? 'NaN' : typeof value === 'bigint' ? `${value}n` : `${parseInt(value)}`;
        case 'f': return typeof value === 'symbol' ? 'NaN' : `${parseFloat(value)}`;
        case 'j': return JSON.stringify(value);
        case 'c': return '';
        case 'O': return inspect(value);
        default: return lacking('the format %o');
      }
    });
  }
  for (let at = next; at < values.length; at++) {
    const shown = typeof values[at] === 'string' ? values[at] : inspect(values[at]);
    text += at === 0 ? shown : ` ${shown}`;
  }
  return text;
}

function shownForString(value) {
  if (typeof value === 'bigint') return `${value}n`;
  if (Object.is(value, -0)) return '-0';
  if (typeof value !== 'object' || value === null) return String(value);
  const own = value.toString !== Object.prototype.toString && value.toString !== Error.prototype.toString;
  return own && !Array.isArray(value) ? String(value) : inspect(value, { depth: 0 });
}
