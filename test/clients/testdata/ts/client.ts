// Uses the types that openapi-typescript makes, with openapi-fetch.
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

declare const process: { env: Record<string, string> };

const api = createClient<paths>({ baseUrl: process.env.URL + "/api/v1", headers: { Authorization: "Bearer " + process.env.TOKEN } });
const name = "ts";

const created = await api.POST("/servers", { body: { name } });
const server: components["schemas"]["GameServer"] | undefined = created.data;
if (server?.state !== "stopped" || server.job !== undefined) throw new Error("create: " + JSON.stringify(created));

const started = await api.POST("/servers/{name}/start", { params: { path: { name } } });
if (!started.data || started.data.error !== undefined) throw new Error("start: " + JSON.stringify(started));

for (let state = ""; state !== "running"; await new Promise((done) => setTimeout(done, 50))) {
  const { data } = await api.GET("/servers");
  state = data?.find((s) => s.name === name)?.state ?? "";
}

const wrong = await api.POST("/servers", { body: { name } });
const problem: components["schemas"]["Problem"] | undefined = wrong.error;
if (problem?.status !== 409 || !problem.detail) throw new Error("create again: " + JSON.stringify(wrong));

const begun = await api.POST("/overlays/{name}/uploads", { params: { path: { name: "mods" } } });
if (!begun.data) throw new Error("begin upload: " + JSON.stringify(begun));
const text = "sv_cheats 0";
const sent = await api.PUT("/uploads/{id}/file", {
  params: { path: { id: begun.data.id }, query: { path: "left4dead2/cfg/ts.cfg", size: text.length } },
  headers: { "Content-Type": "application/octet-stream" },
  body: text,
  bodySerializer: (body) => body,
});
if (sent.data?.have !== text.length) throw new Error("upload: " + JSON.stringify(sent));
console.log("ok");
