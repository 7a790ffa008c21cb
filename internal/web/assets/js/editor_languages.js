// The languages of files on a game server, and the checks for each.
import { StreamLanguage } from "@codemirror/language";
import { checkGameKeyValues, checkIni, checkJSON, checkKeyValues, checkQuotes } from "./editor_checks.js";

// words returns a tokenizer for a language with the given comments, strings and keywords.
function words({ comments, block, quotes = '"', escapes = true, keywords = "", atoms = "", first, variables }) {
  const keyword = new Set(keywords.split(" ").filter(Boolean)), atom = new Set(atoms.split(" ").filter(Boolean));
  return StreamLanguage.define({
    startState: () => ({ block: false, start: true, key: true }),
    token(stream, state) {
      if (stream.sol()) state.start = state.key = true;
      if (state.block) {
        state.block = !stream.match(/.*?\*\//) && (stream.skipToEnd(), true);
        return "comment";
      }
      if (stream.eatSpace()) return null;
      for (const c of comments) if (stream.match(c)) return stream.skipToEnd(), "comment";
      if (block && stream.match("/*")) {
        state.block = !stream.match(/.*?\*\//) && (stream.skipToEnd(), true);
        return "comment";
      }
      if (variables && stream.match(/^\$(\{[^}]*\}|\w+|[@#?*!$])/)) return "macroName";
      const at = stream.peek();
      if (quotes.includes(at)) {
        stream.next();
        for (let c; (c = stream.next()) && c !== at; ) if (escapes && c === "\\") stream.next();
        const key = state.key;
        state.key = state.start = false;
        return first === "key" && key ? "propertyName" : "string";
      }
      if (stream.match(/^-?(0x[\da-f]+|\d+(\.\d*)?)(?![\w.])/i)) return (state.start = state.key = false), "number";
      if (stream.match(/^[A-Za-z_][\w.+-]*/)) {
        const word = stream.current(), start = state.start, key = state.key;
        state.start = state.key = false;
        if (keyword.has(word)) return "keyword";
        if (atom.has(word)) return "atom";
        if (first === "command" && start) return "keyword";
        return first === "key" && key ? "propertyName" : "variableName";
      }
      const c = stream.next();
      if (c === ";" || c === "{" || c === "}") state.start = state.key = true;
      return "{}[]()".includes(c) ? "brace" : "operator";
    },
    languageData: { commentTokens: { line: comments[0] }, closeBrackets: { brackets: ["(", "[", "{", '"'] } },
  });
}

const cfg = words({ comments: ["//"], escapes: false, first: "command" });
const keyValues = words({ comments: ["//", "/*"], block: true, first: "key", keywords: "#base #include" });
const ini = words({ comments: [";", "//"], block: true, first: "key" });
const json = words({ comments: [], first: "key", atoms: "true false null" });
const squirrel = words({
  comments: ["//", "#"], block: true, quotes: "\"'", atoms: "true false null this base",
  keywords: "break case catch class clone continue const default delete else enum extends for foreach function if in instanceof local resume return static switch throw try typeof while yield constructor",
});
const shell = words({
  comments: ["#"], quotes: "\"'", variables: true, first: "command",
  keywords: "if then else elif fi for while until do done case esac in function return local export set exit",
});

// languageOf returns the language of a file and its check, based on the name of the file, or on its
// content if the name is not enough.
export function languageOf(path, text) {
  const name = path.toLowerCase();
  const ext = name.slice(name.lastIndexOf("."));
  const tree = /^\s*("[^"\n]*"|[\w.-]+)\s*(\/\/[^\n]*)?\n?\s*\{/m.test(text);
  const sourcemod = /sourcemod\/(configs|data|gamedata|translations)\//.test(name);
  switch (ext) {
    case ".sh":
      return { language: shell };
    case ".nut":
      return { language: squirrel };
    case ".json":
      return { language: json, check: checkJSON };
    case ".vdf":
    case ".res":
    case ".vmt":
    case ".kv":
      return { language: keyValues, check: checkGameKeyValues };
    case ".ini":
      return tree ? { language: keyValues, check: checkKeyValues } : { language: ini, check: checkIni };
    case ".cfg":
      if (sourcemod && tree) return { language: keyValues, check: checkKeyValues };
      return { language: cfg, check: checkQuotes, cvars: true };
  }
  if (sourcemod) return { language: keyValues, check: checkKeyValues };
  return tree ? { language: keyValues, check: checkGameKeyValues } : {};
}
