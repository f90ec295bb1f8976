"use strict";
(() => {
  const $ = (id) => document.getElementById(id);
  const HERE = "http://127.0.0.1:8080";
  const base = new URL(".", location.href).href.replace(/\/$/, "");
  let key = "", api = null, example = 0, examples = [], fields = [];

  // Everything that is shown is text: no name and no value can become markup.
  const make = (name, attributes = {}, ...children) => {
    const element = document.createElement(name);
    for (const [attribute, value] of Object.entries(attributes)) {
      if (value !== undefined && value !== false) element.setAttribute(attribute, value === true ? "" : value);
    }
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
  };
  const resolve = (part) => part && part.$ref ? part.$ref.split("/").slice(1).reduce((at, name) => at[name], api) : part;
  const types = (schema) => [].concat(schema.type || []);
  const plain = (value) => typeof value === "string" ? value : JSON.stringify(value);
  const number = (value) => Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(4)));
  const headers = () => ({ "content-type": "application/json", ...(key ? { authorization: "Bearer " + key } : {}) });

  const WORDS = { integer: "a whole number", number: "a number", boolean: "true or false", string: "text" };
  const holds = (schema) => schema.format === "date-time" ? "an instant, with an offset" : WORDS[types(schema).find((type) => type !== "null")];

  function field(name, schema, needed) {
    const type = types(schema).find((one) => one !== "null"), id = "field " + name;
    const shown = (schema.examples || []).map(plain);
    let input, list = null;
    if (type === "boolean") {
      input = make("select", { id }, ...["", "true", "false"].map((value) => make("option", { value }, value || "(missing)")));
    } else {
      const moment = schema.format === "date-time";
      input = make("input", { id, autocomplete: "off", spellcheck: "false", inputmode: type === "integer" || type === "number" ? "decimal" : undefined,
        placeholder: needed ? (moment ? "2024-01-01T00:00Z" : "") : "(missing)", list: shown.length > 1 ? "values " + name : undefined });
      if (shown.length > 1) list = make("datalist", { id: "values " + name }, ...shown.map((value) => make("option", { value })));
    }
    const box = make("div", {}, make("label", { for: id }, name, " ", needed ? null : make("small", {}, "optional")), input, list);
    fields.push({ name, type, input, box });
    return box;
  }

  function fill(row) {
    for (const { name, input } of fields) input.value = row[name] === null || row[name] === undefined ? "" : plain(row[name]);
  }

  function read() {
    const row = {};
    for (const { name, type, input } of fields) {
      const text = input.value;
      if (text === "") continue;
      const asNumber = type === "integer" || type === "number" ? Number(text) : NaN;
      row[name] = type === "boolean" ? text === "true" : Number.isNaN(asNumber) ? text : asNumber;
    }
    const nullable = api.components.schemas.Row;
    for (const name of nullable.required) {
      if (!(name in row) && types(nullable.properties[name]).includes("null")) row[name] = null;
    }
    return row;
  }

  function show(classes, ...children) {
    $("answer").className = "answer " + classes;
    $("answer").replaceChildren(...children);
  }

  const raw = (value) => make("details", {}, make("summary", {}, "What was answered"), make("pre", { tabindex: "0" }, JSON.stringify(value, null, 2)));

  function answered(said, took) {
    const one = said.predictions[0], target = api["x-target"], own = ["id", "prediction", "decision", "warnings", "release", "replayed"];
    const outputs = Object.entries(one).filter(([name]) => !own.includes(name));
    const parts = [make("p", { class: "of" }, target), make("p", { class: "word" }, typeof one.prediction === "number" ? number(one.prediction) : plain(one.prediction))];
    if (typeof one.score === "number") {
      const fill = make("i"), mark = make("b", { title: "it decides from here on" }), limit = api["x-threshold"];
      fill.style.width = 100 * one.score + "%";
      mark.style.left = 100 * limit + "%";
      parts.push(make("div", { class: "bar", role: "img", "aria-label": "score " + number(one.score) }, fill, mark),
        make("div", { class: "scale" }, make("span", {}, "score " + number(one.score)), make("span", {}, "acts from " + number(limit))));
    }
    const list = make("dl");
    const line = (name, value) => list.append(make("dt", {}, name), make("dd", {}, value));
    for (const [name, value] of outputs) if (name !== "score") line(api["x-outputs"][name] || name, number(value));
    if (typeof one.decision === "boolean") line("decision", one.decision ? "act" : "do not act");
    line("by", one.release || said.release);
    line("id", one.id);
    line("took", took.toFixed(1) + " ms, there and back");
    parts.push(list);
    if (one.warnings.length) parts.push(make("ul", { class: "warnings" }, ...one.warnings.map((warning) => make("li", {}, warning))));
    show("said", ...parts, raw(said));
  }

  function refused(problem) {
    const place = /^rows\[0\]\.(.*)$/s.exec(problem.at || "");
    if (place) for (const { name, box } of fields) box.className = name === place[1] ? "wrong" : "";
    show("fault-said", make("p", { class: "of" }, [problem.status, problem.code].filter(Boolean).join(" ")), make("p", { class: "word" }, "Not answered"),
      make("p", {}, problem.title), problem.at ? make("p", { class: "of" }, "at " + problem.at) : null, problem.fix ? make("p", { class: "of" }, problem.fix) : null);
  }

  async function ask(event) {
    event.preventDefault();
    for (const { box } of fields) box.className = "";
    $("ask").disabled = true;
    try {
      const begun = performance.now();
      const extra = api["x-simulated"] ? { "keepfit-now": new Date().toISOString() } : {};
      const response = await fetch(base + "/v1/predict", { method: "POST", headers: { ...headers(), ...extra }, body: JSON.stringify({ rows: [read()] }) });
      const said = await response.json();
      if (response.ok) answered(said, performance.now() - begun); else refused(said);
    } catch (error) {
      refused({ title: "The server does not answer.", fix: String(error.message || error) });
    } finally {
      $("ask").disabled = false;
    }
  }

  function snippets(samples) {
    const choose = (number) => {
      [...$("tabs").children].forEach((tab, place) => { tab.setAttribute("aria-selected", place === number); tab.tabIndex = place === number ? 0 : -1; });
      $("snippet").textContent = samples[number].source.replaceAll(HERE, base);
    };
    $("tabs").replaceChildren(...samples.map((sample, number) => {
      const tab = make("button", { type: "button", role: "tab", "aria-controls": "snippet" }, sample.label);
      tab.addEventListener("click", () => choose(number));
      tab.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (step === undefined) return;
        const next = (number + step + samples.length) % samples.length;
        choose(next);
        $("tabs").children[next].focus();
      });
      return tab;
    }));
    choose(0);
    $("copy").addEventListener("click", async () => {
      const range = document.createRange();
      range.selectNodeContents($("snippet"));
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      try { await navigator.clipboard.writeText($("snippet").textContent); $("copy").textContent = "Copied"; } catch { $("copy").textContent = "Selected"; }
      setTimeout(() => { $("copy").textContent = "Copy"; }, 1500);
    });
  }

  function routes() {
    const known = Object.entries(api.paths).filter(([path]) => !path.startsWith("/v1/projects/"));
    $("routes").replaceChildren(...known.flatMap(([path, verbs]) => Object.entries(verbs).map(([verb, route]) => {
      const body = make("div", { class: "body" });
      if (route.description) body.append(make("p", { class: "about" }, route.description));
      for (const [name, one] of Object.entries(route.requestBody ? route.requestBody.content["application/json"].examples : {}).slice(-2)) {
        body.append(make("h3", {}, "Send, " + name), make("pre", { tabindex: "0" }, JSON.stringify(one.value, null, 2)));
      }
      body.append(make("h3", {}, "Answers"), make("ul", {}, ...Object.entries(route.responses).map(([status, response]) =>
        make("li", {}, make("b", {}, status), make("span", {}, resolve(response).description.replaceAll("`", ""))))));
      return make("details", {}, make("summary", {}, make("span", { class: "verb " + verb }, verb.toUpperCase()), make("code", { class: "path" }, path),
        make("span", { class: "about" }, route.summary)), body);
    })));
  }

  function columns(row) {
    $("columns").replaceChildren(...Object.entries(row.properties).map(([name, schema]) => make("tr", {},
      make("td", {}, name, make("span", { class: "says" }, schema.description)),
      make("td", { "data-head": "Holds" }, holds(schema)),
      make("td", { class: "nowrap", "data-head": "Needed" }, row.required.includes(name) ? (types(schema).includes("null") ? "yes, or null" : "yes") : "no"),
      make("td", { "data-head": "For instance" }, (schema.examples || []).slice(0, 6).map(plain).join(", ")))));
  }

  function open(said) {
    api = said;
    const { info, components } = api, row = components.schemas.Row, predict = api.paths["/v1/predict"].post;
    document.title = info.title + ", release " + info.version;
    $("kicker").textContent = info.title + "  ·  release " + info.version + "  ·  keepfit";
    $("statement").textContent = info.summary;
    $("lead").textContent = "It predicts " + api["x-target"] + ", and keeps every answer on record before it leaves.";
    const used = Object.entries(row.properties).filter(([name]) => row.required.includes(name) || api["x-inputs"].includes(name));
    const other = Object.entries(row.properties).filter(([name]) => !used.some(([known]) => known === name));
    const rest = other.length ? make("details", {}, make("summary", {}, other.length + " more that the model does not use"),
      make("div", {}, ...other.map(([name, schema]) => field(name, schema, false)))) : null;
    $("fields").replaceChildren(...used.map(([name, schema]) => field(name, schema, row.required.includes(name))), ...(rest ? [rest] : []));
    examples = Object.values(predict.requestBody.content["application/json"].examples).map((one) => one.value.rows).filter((rows) => rows.length === 1);
    fill(examples[0][0]);
    show("", make("p", { class: "of" }, "The row is a real one, of those on which this release was tried. Ask, change a value, ask again: every answer is logged as any other."));
    snippets(predict["x-codeSamples"]);
    columns(row);
    routes();
    $("row").addEventListener("submit", ask);
    $("another").addEventListener("click", () => { example = (example + 1) % examples.length; fill(examples[example][0]); });
    $("another").hidden = examples.length < 2;
    $("download").addEventListener("click", (event) => {  // a link brings no key
      event.preventDefault();
      const link = make("a", { href: URL.createObjectURL(new Blob([JSON.stringify(api, null, 2)], { type: "application/json" })), download: "openapi.json" });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
    $("locked").hidden = true;
    $("open").hidden = false;
  }

  async function fetched() {
    try {
      const response = await fetch(base + "/openapi.json", { headers: key ? { authorization: "Bearer " + key } : {} });
      const said = await response.json();
      if (response.ok) return open(said);
      $("unlock-fault").textContent = key || response.status !== 401 ? said.title : "";
    } catch (error) {
      $("unlock-fault").textContent = "The server does not answer.";
    }
    $("locked").hidden = false;
    $("key").focus();
    return undefined;
  }

  $("unlock").addEventListener("submit", (event) => { event.preventDefault(); key = $("key").value.trim(); fetched(); });
  const inside = $("document").textContent.trim();
  if (inside) open(JSON.parse(inside)); else fetched();
})();
