// Distinguishes answers of left4me from those of a proxy in front of it, and explains the latter.
// internal/cli/apiclient/proxy_answer.go is the equivalent for the command line.
import { translate } from "./texts.js";

const ours = (res) => res.headers.get("X-Left4me") !== null;

// said returns the JSON of an answer. It throws an error whose message is shown to the user: the error of
// left4me, or how to configure the proxy.
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

// foreign explains an answer of a proxy. It returns an empty string for an answer of left4me, and if there
// is no answer.
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

// probe sends a small request after a request without an answer, because scripts cannot see that a proxy
// redirected them to another site. It returns null without a connection.
export const probe = () => fetch("/session", { headers: { "X-Left4me": "live" }, redirect: "manual" }).catch(() => null);
