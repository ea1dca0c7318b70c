// SPDX-License-Identifier: Apache-2.0
// The job monitor: asks for the state every few seconds and draws it. What people wrote (file names,
// messages) only ever becomes text, never markup.
"use strict";

const words = {
  es: {
    title: "Trabajos", queues: "Colas", workers: "Procesos que trabajan", jobs: "Trabajos", more: "Más",
    pending: "Esperan", processing: "En curso", completed: "Terminados", failed: "Fallidos", cancelled: "Cancelados",
    dead: "fallidos", paused: "en pausa", pause: "Pausar", resume: "Reanudar", retry: "Reintentar", cancel: "Cancelar",
    since: "el más viejo espera desde", none: "Ninguno.", nobody: "No hay nadie trabajando.", idle: "libre",
    running: "en curso", lease: "responde hasta", attempt: "intento", of: "de", at: "a las", lost: "Sin conexión con el servidor",
    refused: "No se pudo", updated: "al día", ask: "¿Cancelar este trabajo?", other: "English", otherLang: "en",
  },
  en: {
    title: "Jobs", queues: "Queues", workers: "Workers", jobs: "Jobs", more: "More",
    pending: "Waiting", processing: "Running", completed: "Done", failed: "Failed", cancelled: "Cancelled",
    dead: "failed", paused: "paused", pause: "Pause", resume: "Resume", retry: "Retry", cancel: "Cancel",
    since: "oldest waits since", none: "None.", nobody: "Nobody is at work.", idle: "idle",
    running: "running", lease: "alive until", attempt: "attempt", of: "of", at: "at", lost: "No connection to the server",
    refused: "Refused", updated: "up to date", ask: "Cancel this job?", other: "Español", otherLang: "es",
  },
};
const states = ["processing", "pending", "failed", "completed", "cancelled"];
const pageSize = 50, everyMs = 3000;
let lang = "es", status = "processing", limit = pageSize, timer = 0, asked = 0;

const byId = (id) => document.getElementById(id);
const t = (key) => words[lang][key];

function make(tag, text, kind) {
  const e = document.createElement(tag);
  if (text !== undefined) e.textContent = text;
  if (kind) e.className = kind;
  return e;
}

function button(text, act) {
  const b = make("button", text);
  b.type = "button";
  b.addEventListener("click", async () => { b.disabled = true; await act(); });
  return b;
}

function when(iso) {
  return iso ? new Date(iso).toLocaleString(lang === "es" ? "es-AR" : "en", { dateStyle: "short", timeStyle: "medium" }) : "";
}

function fault(text) {
  byId("fault").textContent = text;
  byId("fault").hidden = !text;
}

// The header makes it a request that no other site can send without being asked first.
async function act(path) {
  try {
    const r = await fetch(path, { method: "POST", headers: { "X-Demeter-Monitor": "1" } });
    const body = r.ok ? null : await r.json().catch(() => null);
    fault(r.ok ? "" : `${t("refused")}: ${body?.message ?? body?.detail ?? r.status}`);
  } catch {
    fault(t("lost"));
  }
  await look();
}

function queueCard(q) {
  const card = make("div", undefined, q.paused ? "card paused" : "card");
  card.append(make("strong", q.queue + (q.paused ? ` (${t("paused")})` : "")));
  card.append(make("p", `${q.pending} ${t("pending").toLowerCase()}, ${q.processing} ${t("running")}, ${q.dead} ${t("dead")}`));
  if (q.oldest_at) card.append(make("p", `${t("since")} ${when(q.oldest_at)}`, "small"));
  const path = `api/queues/${encodeURIComponent(q.queue)}/`;
  card.append(button(q.paused ? t("resume") : t("pause"), () => act(path + (q.paused ? "resume" : "pause"))));
  return card;
}

function workerCard(w) {
  const card = make("div", undefined, "card");
  card.append(make("strong", w.worker));
  card.append(make("p", `${w.jobs ? `${w.jobs} ${t("running")}` : t("idle")}; ${t("lease")} ${when(w.lease_until)}`, "small"));
  return card;
}

function jobCard(j) {
  const card = make("article", undefined, "job");
  card.append(make("strong", `${j.kind}${j.filename ? ": " + j.filename : ""}`));
  card.append(make("p", `${j.queue}; ${when(j.created_at)}; ${t("attempt")} ${j.attempts} ${t("of")} ${j.max_attempts}`
    + (j.duration_s !== null ? `; ${j.duration_s} s` : ""), "small"));
  if (j.status === "processing") {
    const bar = make("progress");
    bar.max = 100;
    bar.value = j.progress_percent;
    card.append(bar, make("p", `${j.progress_percent} % ${j.step ?? ""}`, "small"));
  }
  if (j.error || j.message) card.append(make("p", [j.error?.code, j.message].filter(Boolean).join(": "), "reason"));
  card.append(make("p", j.job_id, "small"));
  const actions = make("div", undefined, "actions");
  const path = `api/jobs/${encodeURIComponent(j.job_id)}/`;
  if (j.status === "failed" || j.status === "cancelled") actions.append(button(t("retry"), () => act(path + "retry")));
  if (j.status === "pending" || j.status === "processing") {
    actions.append(button(t("cancel"), async () => { if (confirm(t("ask"))) await act(path + "cancel"); else await look(); }));
  }
  card.append(actions);
  return card;
}

function fill(id, list, card, empty) {
  byId(id).replaceChildren(...(list.length ? list.map(card) : [make("p", empty)]));
}

function draw(s) {
  fill("queues", s.queues, queueCard, t("none"));
  fill("workers", s.workers, workerCard, t("nobody"));
  fill("jobs", s.jobs, jobCard, t("none"));
  byId("more").hidden = s.jobs.length >= s.total;
  byId("fresh").textContent = `${t("updated")} ${t("at")} ${new Date().toLocaleTimeString(lang)}`;
}

async function look() {
  const mine = ++asked;
  clearTimeout(timer);
  try {
    const r = await fetch(`api/state?status=${status}&limit=${limit}`, { cache: "no-store" });
    const body = await r.json();
    if (mine !== asked) return; // another one was asked meanwhile
    if (r.ok) draw(body);
    else fault(`${t("refused")}: ${body.message ?? body.detail ?? r.status}`);
  } catch {
    if (mine === asked) byId("fresh").textContent = t("lost");
  }
  if (mine === asked && !document.hidden) timer = setTimeout(look, everyMs);
}

function drawWords() {
  document.documentElement.lang = lang;
  document.title = `Demeter: ${t("title").toLowerCase()}`;
  for (const e of document.querySelectorAll("[data-t]")) e.textContent = t(e.dataset.t);
  byId("lang").textContent = t("other");
  byId("lang").lang = t("otherLang");
  byId("states").replaceChildren(...states.map((s) => {
    const b = make("button", t(s));
    b.type = "button";
    b.setAttribute("aria-pressed", String(s === status));
    b.addEventListener("click", () => { status = s; limit = pageSize; drawWords(); look(); });
    return b;
  }));
}

byId("lang").addEventListener("click", () => { lang = lang === "es" ? "en" : "es"; drawWords(); look(); });
byId("more").addEventListener("click", () => { limit = Math.min(limit + pageSize, 500); look(); });
document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
drawWords();
look();
