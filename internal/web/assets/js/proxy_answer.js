// Which answers are left4me's, and what to say of those that aren't: a proxy in
// between has pages of its own. cli/apiclient/proxy_answer.go says the same on the command line.

const ours = (res) => res.headers.get("X-Left4me") !== null;

// said reads what left4me answered to a script, or throws what a person should
// read: what left4me says, or what to set in a proxy.
export async function said(res) {
  if (!ours(res)) throw new Error(foreign(res));
  const json = await res.json().catch(() => ({
    text: `the panel answered ${res.status}`,
    hint: `the log of left4me may say more under request=${res.headers.get("X-Request-Id")}`,
  }));
  if (res.ok) return json;
  throw new Error([json.text, json.hint].filter(Boolean).map(sentence).join(" "));
}

const sentence = (s) => s[0].toUpperCase() + s.slice(1) + (/[.?]$/.test(s) ? "" : ".");

// foreign says what is wrong when somebody else answered; nothing when left4me did,
// or nobody.
export function foreign(res) {
  if (!res || ours(res)) return "";
  const { status } = res;
  if (status === 413)
    return "A proxy in between refuses requests of this size (status 413). Allow 20 MB there: client_max_body_size in nginx, request_body in Caddy.";
  if ([408, 504, 524].includes(status)) return `A proxy in between gave up waiting (status ${status}). Let it wait for 10 minutes: proxy_read_timeout in nginx, ProxyTimeout in Apache.`;
  if ([502, 503].includes(status) || (status > 520 && status <= 530))
    return `A proxy in between does not reach left4me (status ${status}). Check that left4me runs, and that the proxy has its address.`;
  if (status < 400 || [401, 403, 407].includes(status))
    return `Something other than left4me answered${status ? ` (status ${status})` : ""}. If a proxy asks for a login, reload this page and log in there.`;
  return `Something other than left4me answered (status ${status}).`;
}

// probe asks for something small after a request that had no answer: a script may
// not see that a proxy sent it on to a page of its own. Without a connection it
// gives nothing.
export const probe = () => fetch("/session", { headers: { "X-Left4me": "live" }, redirect: "manual" }).catch(() => null);
