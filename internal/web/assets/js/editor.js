// The text editor. It replaces a textarea on the page; the form still submits the hidden textarea.
import { closeBrackets, closeBracketsKeymap, autocompletion, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history as past, historyKeymap } from "@codemirror/commands";
import { bracketMatching, foldGutter, foldKeymap, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState, StateEffect, StateField } from "@codemirror/state";
import { Decoration, drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, highlightSpecialChars, keymap, lineNumbers } from "@codemirror/view";
import { tags as t } from "@lezer/highlight";
import { foreign, probe, said } from "./proxy_answer.js";
import { languageOf } from "./editor_languages.js";
import { cvarCompletion } from "./editor_cvars.js";
import { translate } from "./texts.js";

function replace(area) {
  const form = area.form;
  const { language, check, cvars } = languageOf(area.dataset.editor, area.value);
  const host = document.createElement("div");
  host.className = "code";
  const root = host.attachShadow({ mode: "open" });
  area.after(host);
  let clean = area.value;
  const state = EditorState.create({
    doc: area.value,
    extensions: [
      lineNumbers(), highlightActiveLineGutter(), highlightSpecialChars(), past(), foldGutter(), drawSelection(), indentOnInput(),
      bracketMatching(), closeBrackets(), highlightActiveLine(), highlightSelectionMatches(), indentUnit.of("\t"), EditorState.tabSize.of(4),
      language ?? [], syntaxHighlighting(colours), look,
      check ? marks : [],
      autocompletion({ override: cvars && area.dataset.cvars ? [cvarCompletion(area.dataset.cvars)] : [], icons: false }),
      keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...completionKeymap]),
      EditorView.contentAttributes.of({ "aria-label": area.labels[0]?.textContent.trim() || translate("script.editor.text"), spellcheck: "false", autocapitalize: "off" }),
      area.disabled || area.matches("fieldset:disabled *") ? [EditorState.readOnly.of(true)] : [],
      EditorView.updateListener.of((u) => u.docChanged && (area.value = u.state.doc.toString(), status(form, ""), lookOver())),
    ],
  });
  // A shadow root can adopt style sheets. The content security policy of the page forbids inserted
  // style elements.
  const view = new EditorView({ state, parent: root, root });
  area.hidden = true;
  // List the problems below the editor, too, each as a button that jumps to its line.
  const list = Object.assign(document.createElement("ol"), { className: "found", ariaLabel: translate("script.editor.problems") });
  host.after(list);
  let timer;
  function lookOver() {
    clearTimeout(timer);
    if (check) timer = setTimeout(lookNow, 400);
  }
  function lookNow() {
    const found = check(area.value).sort((a, b) => a.from - b.from);
    view.dispatch({ effects: setMarks.of(found) });
    list.replaceChildren(...found.map((f) => {
      const button = Object.assign(document.createElement("button"), { type: "button", className: "quiet", textContent: translate("script.editor.line", { line: view.state.doc.lineAt(f.from).number, problem: f.message }) });
      button.addEventListener("click", () => (view.dispatch({ selection: { anchor: f.from }, scrollIntoView: true }), view.focus()));
      const item = document.createElement("li");
      item.append(button);
      return item;
    }));
  }
  if (check) lookNow();
  area.labels[0]?.addEventListener("click", () => view.focus());
  const changed = () => area.value !== clean;
  addEventListener("beforeunload", (e) => changed() && e.preventDefault());
  const kept = () => (clean = area.value);
  if ("save" in form.dataset) saves(form, kept);
  else form.addEventListener("submit", kept);
}

// saves makes the form save its text without leaving the page.
function saves(form, kept) {
  let busy = false;
  const save = async () => {
    if (busy || !form.reportValidity()) return;
    busy = true;
    status(form, translate("script.editor.saving"), "busy");
    problem(form, "");
    try {
      const res = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), headers: { "X-Left4me": "live" } });
      if ((res.status === 409 || res.redirected) && !foreign(res)) {
        kept();
        return form.submit(); // shows the page with both texts
      }
      const saved = await said(res);
      kept();
      if (form.elements.utf8?.checked) { // load the page again without the note about the old encoding
        return location.replace("?path=" + encodeURIComponent(form.elements.path.value) + "&saved=" + saved.revision);
      }
      form.elements.base.value = saved.revision;
      history.replaceState(null, "", "?path=" + encodeURIComponent(form.elements.path.value));
      status(form, translate("script.editor.saved", { revision: saved.revision }), "good");
      problem(form, saved.found?.join(" ") ?? "");
    } catch (err) {
      status(form, translate("script.editor.not_saved"), "bad");
      problem(form, err instanceof TypeError ? foreign(await probe()) || translate("script.editor.unreachable") : err.message);
    } finally {
      busy = false;
    }
  };
  form.addEventListener("submit", (e) => (e.preventDefault(), save()));
  addEventListener("keydown", (e) => {
    if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === "s") {
      e.preventDefault();
      save();
    }
  });
}

function status(form, text, tone = "later") {
  const box = form.querySelector("[data-status]");
  if (!box || (!text && !box.textContent.trim())) return;
  box.replaceChildren(Object.assign(document.createElement("span"), { className: "badge " + tone, textContent: text }));
}

function problem(form, text) {
  const box = form.querySelector("[data-problem]");
  if (box) box.textContent = text;
}

// marks underlines the problems found by a check.
const setMarks = StateEffect.define();
const underline = Decoration.mark({ class: "cm-wrong" });
const marks = StateField.define({
  create: () => Decoration.none,
  update(have, tr) {
    have = have.map(tr.changes);
    for (const e of tr.effects) {
      if (e.is(setMarks)) {
        const length = tr.newDoc.length;
        have = Decoration.set(e.value.filter((f) => f.from < length).map((f) => underline.range(f.from, Math.min(f.to, length))), true);
      }
    }
    return have;
  },
  provide: (f) => EditorView.decorations.from(f),
});

const colours = HighlightStyle.define([
  { tag: t.comment, color: "var(--soft)", fontStyle: "italic" },
  { tag: t.string, color: "var(--good)" },
  { tag: [t.number, t.bool, t.atom], color: "var(--busy)" },
  { tag: [t.keyword, t.controlKeyword], color: "var(--accent)" },
  { tag: [t.propertyName, t.variableName], color: "var(--text)" },
  { tag: [t.definition(t.variableName), t.macroName], color: "var(--warn)" },
  { tag: [t.brace, t.operator, t.punctuation], color: "var(--soft)" },
]);

const look = EditorView.theme({
  "&": { backgroundColor: "var(--card)", color: "var(--text)", height: "min(38rem, 70vh)", fontSize: ".86rem" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "-1px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.5" },
  ".cm-content": { caretColor: "var(--accent)" },
  ".cm-cursor": { borderLeftColor: "var(--accent)" },
  ".cm-gutters": { backgroundColor: "var(--raised)", color: "var(--soft)", border: "none" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--raised) 55%, transparent)" },
  ".cm-activeLineGutter": { backgroundColor: "var(--line)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "color-mix(in srgb, var(--busy) 30%, transparent)" },
  ".cm-selectionMatch": { backgroundColor: "color-mix(in srgb, var(--warn) 25%, transparent)" },
  ".cm-wrong": { textDecoration: "underline wavy var(--bad)", textDecorationSkipInk: "none" },
  ".cm-panels": { backgroundColor: "var(--raised)", color: "var(--text)" },
  ".cm-panel input, .cm-panel button": { font: "inherit", color: "inherit", background: "var(--card)", border: "1px solid var(--edge)", borderRadius: "4px" },
  ".cm-tooltip": { backgroundColor: "var(--card)", color: "var(--text)", border: "1px solid var(--edge)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--press)", color: "var(--on-press)" },
  ".cm-completionDetail": { color: "var(--soft)", fontStyle: "normal" },
  "[aria-selected] .cm-completionDetail": { color: "inherit" },
  ".cm-foldPlaceholder": { backgroundColor: "var(--raised)", border: "none", color: "var(--soft)" },
});

for (const area of document.querySelectorAll("textarea[data-editor]")) replace(area);
