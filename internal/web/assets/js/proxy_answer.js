// Which answers are left4me's, and what to say of those that aren't: a proxy in
// between has pages of its own. cli/apiclient/proxy_answer.go says the same on the command line.
import { translate } from "./texts.js";

const ours = (res) => res.headers.get("X-Left4me") !== null;

// said reads what left4me answered to a script, or throws what a person should
// read: what left4me says, or what to set in a proxy.
export async function said(res) {
  if (!ours(res)) throw new Error(foreign(res));
  const json = await res.json().catch(() => ({
    text: translate("script.panel.answered", { status: res.status }),
    hint: translate("script.panel.answered_hint", { request: res.headers.get("X-Request-Id") }),
  }));
  if (res.ok) return json;
  throw new Error(sentences(json));
}

export const sentences = ({ text: problem, hint }) => [problem, hint].filter(Boolean).map(sentence).join(" ");
export const retrying = (reason) => translate("script.panel.retrying", { reason });

const sentence = (s) => s[0].toUpperCase() + s.slice(1) + (/[.?]$/.test(s) ? "" : ".");

// foreign says what is wrong when somebody else answered; nothing when left4me did,
// or nobody.
export function foreign(res) {
  if (!res || ours(res)) return "";
  const { status } = res;
  if (status === 413)
    return translate("script.panel.proxy_too_large");
  if ([408, 504, 524].includes(status)) return translate("script.panel.proxy_timeout", { status });
  if ([502, 503].includes(status) || (status > 520 && status <= 530))
    return translate("script.panel.proxy_unreachable", { status });
  if (status < 400 || [401, 403, 407].includes(status))
    return translate("script.panel.proxy_login", { status: status || "?" });
  return translate("script.panel.not_left4me", { status });
}

// probe asks for something small after a request that had no answer: a script may
// not see that a proxy sent it on to a page of its own. Without a connection it
// gives nothing.
export const probe = () => fetch("/session", { headers: { "X-Left4me": "live" }, redirect: "manual" }).catch(() => null);
