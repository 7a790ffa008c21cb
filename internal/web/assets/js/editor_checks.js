// Checks that find problems in a text while the user types. Each check returns the positions of the
// problems, with a message for each.
import { translate } from "./texts.js";

const mark = (from, to, message, severity = "error") => ({ from, to: Math.max(to, from + 1), message, severity });

// checkKeyValues checks the format that SourceMod calls KeyValues: keys with values or blocks.
export function checkKeyValues(text) {
  const found = [], open = [];
  let key = null; // a key without a value so far
  for (const { kind, from, to, closed } of tokens(text, { blocks: true, escapes: true })) {
    if (kind === "string" && !closed) return [...found, mark(from, to, translate("script.editor.quote_open"))];
    if (kind === "condition") continue;
    if (kind === "{") {
      if (!key) found.push(mark(from, to, translate("script.editor.block_without_name")));
      open.push(from);
      key = null;
    } else if (kind === "}") {
      if (key) found.push(mark(key.from, key.to, translate("script.editor.key_without_value")));
      key = null;
      if (!open.length) found.push(mark(from, to, translate("script.editor.no_block_to_close")));
      open.pop();
    } else key = key ? null : { from, to };
  }
  if (key) found.push(mark(key.from, key.to, translate("script.editor.key_without_value")));
  for (const at of open) found.push(mark(at, at + 1, translate("script.editor.block_open")));
  return found.slice(0, 50);
}

// checkGameKeyValues checks KeyValues as the game reads them. The game never rejects a file, so the check
// finds the parts that the game omits or reads differently from how they look.
export function checkGameKeyValues(text) {
  const plain = gameProblems(text, false);
  if (!text.includes("\\") || !plain.some((f) => f.severity === "error")) return plain;
  const escaped = gameProblems(text, true); // some files use escape sequences
  return escaped.some((f) => f.severity === "error") ? plain : escaped;
}

// The game truncates a string after this number of bytes.
const most = 1023;

function gameProblems(text, escapes) {
  const found = [], open = [];
  let key = null, value = null; // the previous token, if it was a key or a value
  const say = (t, message, severity) => found.push(mark(t.from, t.to, message, severity));
  for (const t of tokens(text, { blocks: false, escapes })) {
    const after = value;
    value = null;
    if (t.kind === "string") {
      if (!t.closed) return [...found, mark(t.from, t.to, translate("script.editor.quote_open"))];
      const over = text.slice(t.from, t.to).includes("\n");
      if (over && (!key || /[^\s{}/[]/.test(text[t.to] ?? " "))) {
        return [...found, mark(t.from, lineEnd(text, t.from), translate("script.editor.quote_over_line"))];
      }
      cut(t.from + 1, t.to - 1);
    } else if (t.kind === "word") {
      if (text.startsWith("/*", t.from)) say(t, translate("script.editor.block_comment"), "warning");
      cut(t.from, t.to);
    }
    if (t.kind === "condition") {
      const condition = text.slice(t.from, t.to);
      if (/^\[\$win32\]$/i.test(condition)) continue;
      if (/^\[!?\$/.test(condition)) say(t, translate("script.editor.condition_false"), "warning");
      else say(t, translate("script.editor.condition_in_value"));
    } else if (t.kind === "{") {
      if (!key) say(t, translate("script.editor.block_without_name"));
      open.push(t);
      key = null;
    } else if (t.kind === "}") {
      if (key) say(key, translate("script.editor.key_is_block"));
      key = null;
      if (!open.length) say(t, translate("script.editor.no_block_to_close"));
      open.pop();
    } else if (key) {
      key = null;
      value = t;
    } else {
      if (after && after.to === t.from && after.kind !== t.kind) say(t, translate("script.editor.quote_no_space"));
      key = t;
    }
  }
  if (key) say(key, translate("script.editor.key_without_value"));
  for (const t of open) say(t, translate("script.editor.block_open"));
  return found.slice(0, 50);

  function cut(from, to) {
    if (to - from <= most / 4) return;
    const bytes = new TextEncoder();
    let left = most;
    for (const c of text.slice(from, to)) {
      left -= bytes.encode(c).length;
      if (left < 0) return found.push(mark(from, to, translate("script.editor.value_cut"), "warning"));
      from += c.length;
    }
  }
}

function* tokens(text, { blocks, escapes }) {
  const blank = blocks ? /\s/ : /[ \t-\r]/, end = blocks ? /[\s{}"]/ : /[ \t-\r{}"]/;
  for (let i = 0; i < text.length; ) {
    const c = text[i];
    if (blank.test(c)) {
      i++;
    } else if (c === "/" && text[i + 1] === "/") {
      i = lineEnd(text, i);
    } else if (blocks && c === "/" && text[i + 1] === "*") {
      const close = text.indexOf("*/", i + 2);
      i = close < 0 ? text.length : close + 2;
    } else if (c === "{" || c === "}") {
      yield { kind: c, from: i, to: ++i };
    } else if (blocks && c === "[") {
      const from = i;
      i = lineEnd(text, i);
      const close = text.slice(from, i).indexOf("]");
      if (close >= 0) i = from + close + 1;
      yield { kind: "condition", from, to: i };
    } else if (c === '"') {
      const from = i++;
      while (i < text.length && text[i] !== '"') i += escapes && text[i] === "\\" ? 2 : 1;
      const closed = i < text.length;
      yield { kind: "string", from, to: Math.min(++i, text.length), closed };
    } else {
      const from = i;
      while (i < text.length && !end.test(text[i])) i++;
      const kind = !blocks && /\[.*\]/.test(text.slice(from, i)) ? "condition" : "word";
      yield { kind, from, to: i };
    }
  }
}

const lineEnd = (text, i) => {
  const end = text.indexOf("\n", i);
  return end < 0 ? text.length : end;
};

// eachLine calls f with each line and the offset of its start.
function eachLine(text, f) {
  let from = 0;
  for (const line of text.split("\n")) {
    f(line, from);
    from += line.length + 1;
  }
}

// checkIni checks SourceMod lists: lines of quoted words.
export function checkIni(text) {
  const found = [];
  let block = false;
  eachLine(text, (line, from) => {
    let quote = -1;
    for (let i = 0; i < line.length; i++) {
      const two = line.slice(i, i + 2);
      if (block) {
        if (two === "*/") (block = false), i++;
      } else if (quote >= 0) {
        if (line[i] === '"') quote = -1;
      } else if (line[i] === '"') quote = i;
      else if (two === "/*") (block = true), i++;
      else if (two === "//" || line[i] === ";") break;
    }
    if (quote >= 0) found.push(mark(from + quote, from + line.length, translate("script.editor.quote_open")));
  });
  return found.slice(0, 50);
}

// checkQuotes checks console commands. The game reports no error for a mistake in them and executes
// something else.
export function checkQuotes(text) {
  const found = [];
  eachLine(text, (line, from) => {
    const code = line.replace(/"[^"]*"|\/\/.*$/g, (m) => (m[0] === '"' ? "_".repeat(m.length) : ""));
    const quote = code.indexOf('"');
    if (quote >= 0) found.push(mark(from + quote, from + line.length, translate("script.editor.quote_to_line_end")));
    if (line.length > 510) found.push(mark(from + 510, from + line.length, translate("script.editor.line_cut"), "warning"));
  });
  return found.slice(0, 50);
}

export function checkJSON(text) {
  if (!text.trim()) return [];
  try {
    JSON.parse(text);
    return [];
  } catch (err) {
    const at = /position (\d+)/.exec(err.message);
    const line = /line (\d+) column (\d+)/.exec(err.message);
    let from = at ? +at[1] : text.length - 1;
    if (!at && line) from = text.split("\n").slice(0, line[1] - 1).join("\n").length + +line[2];
    from = Math.max(0, Math.min(from, text.length - 1));
    return [mark(from, from + 1, err.message)];
  }
}
