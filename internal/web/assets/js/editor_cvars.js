// Completion of console variables at the start of a command.
let table;

export function cvarCompletion(address) {
  const load = () => (table ??= fetch(address).then((r) => r.json()).catch(() => ((table = undefined), [])));
  return async (context) => {
    const word = context.matchBefore(/[\w]+/);
    if (!word || (word.from === word.to && !context.explicit)) return null;
    const line = context.state.doc.lineAt(word.from);
    const before = line.text.slice(0, word.from - line.from);
    if (!/(^|;|\bsm_cvar\s|\bexec\s)\s*$/.test(before) || /"[^"]*$|\/\//.test(before.replace(/"[^"]*"/g, ""))) return null;
    const all = await load();
    return {
      from: word.from,
      options: all.map(([label, standard, note]) => ({ label, detail: standard, info: note || undefined, type: "variable" })),
      validFor: /^\w*$/,
    };
  };
}
