// The texts of scripts. The page contains them in the user's language.
const texts = JSON.parse(document.getElementById("texts")?.textContent ?? "{}");
const plurals = new Intl.PluralRules(document.documentElement.lang);

// translate returns the text of a key of internal/locale/texts, with its arguments. The argument
// count selects the plural form.
export function translate(key, args = {}) {
  const forms = texts[key] ?? key;
  const found = typeof forms === "string" ? forms : (forms[plurals.select(args.count)] ?? forms.other);
  return found.replace(/\{(\w+)\}/g, (place, name) => args[name] ?? place);
}
