// The table as one sees it: real elements with roles, as many rows as fit into the window.

const ROW_H = 36;
const BEYOND = 8; // rows drawn above and below the window
const COLUMNS = {
  phrase: { title: "Attribute", width: "minmax(11rem, 1fr)", always: true },
  type: { title: "Type", width: "9rem" },
  status: { title: "Status", width: "6.6rem", on: true },
  findings: { title: "Findings", width: "5.4rem", on: true },
  origin: { title: "Origin", width: "5.5rem" },
  curve: { title: "Response", width: "6rem", unsorted: true },
  specificity: { title: "Specificity", width: "6.5rem" },
  weight: { title: "Weight", width: "5.5rem" },
  share: { title: "Share", width: "5rem" },
  comments: { title: "Notes", width: "3rem", on: true },
  changed: { title: "Changed", width: "13rem" },
};
const MARKS = { proposed: "·", accepted: "✓", "needs work": "!", rejected: "✗" };

// An element with attributes, listeners (on…) and children; text is text, never markup.
function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function sparkline(curve, title) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 60 20");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", title);
  const line = document.createElementNS(space, "polyline");
  const step = 56 / Math.max(1, curve.length - 1);
  line.setAttribute("points", curve.map((p, n) => `${2 + n * step},${18 - 16 * p}`).join(" "));
  svg.append(line);
  return svg;
}

class View {
  constructor(table) {
    this.table = table;
    this.model = table.model;
    this.drawn = new Map(); // key of an item to its element
    this.head = el("div", { role: "rowgroup", class: "head" });
    this.body = el("div", { role: "rowgroup", class: "body" });
    this.grid = el("div", { role: "grid", class: "grid", "aria-label": "Attributes",
      "aria-multiselectable": "true" }, this.head, this.body);
    this.grid.addEventListener("scroll", () => this.window());
    new ResizeObserver(() => this.window()).observe(this.grid);
    this.columns = Object.keys(COLUMNS).filter((c) => COLUMNS[c].on || COLUMNS[c].always);
  }

  get template() {
    return ["1.4rem", ...this.columns.map((name) => COLUMNS[name].width), "5.4rem"].join(" ");
  }

  drawHead() {
    const { sort } = this.model;
    const cell = (name) => {
      const { title, unsorted } = COLUMNS[name];
      const by = name === "phrase" && sort.by === "place" ? "place" : name;
      const sorted = sort.by === by && by !== "place";
      const arrow = sorted ? (sort.down ? " ↓" : " ↑") : "";
      const order = sorted ? (sort.down ? "descending" : "ascending") : "none";
      const content = unsorted ? title
        : el("button", { type: "button", tabindex: -1, onclick: () => this.table.sortBy(name) },
          title + arrow);
      return el("div", { role: "columnheader", "aria-sort": unsorted ? null : order }, content);
    };
    const row = el("div", { role: "row", "aria-rowindex": 1, class: "row" },
      el("div", { role: "columnheader" }, el("span", { class: "unseen" }, "Selected")),
      ...this.columns.map(cell),
      el("div", { role: "columnheader" }, "Saved"));
    this.head.replaceChildren(row);
    this.grid.style.setProperty("--columns", this.template);
    this.grid.setAttribute("aria-colcount", this.columns.length + 2);
  }

  // Everything anew that may have changed; what is the same stays the same element.
  draw() {
    const anchor = this.place(this.model.current);
    const offset = anchor < 0 ? null : anchor * ROW_H - this.grid.scrollTop;
    const before = this.items ?? [];
    this.items = this.model.items();
    this.stayNear(before, anchor);
    this.placeOf = new Map(this.items.map((item, index) => [item.key, index]));
    this.body.style.height = `${this.items.length * ROW_H}px`;
    this.grid.setAttribute("aria-rowcount", this.items.length + 1);
    const now = this.place(this.model.current);
    if (now >= 0 && offset !== null && now !== anchor) this.grid.scrollTop = now * ROW_H - offset;
    this.window();
  }

  // When the current line has gone, the one that stands where it was is the current one.
  stayNear(before, at) {
    const there = new Set(this.items.map((item) => item.key));
    if (there.has(String(this.model.current))) return;
    const next = [...before.slice(Math.max(at, 0)), ...before.slice(0, Math.max(at, 0)).reverse()]
      .find((item) => item.kind === "row" && there.has(item.key));
    this.model.current = next?.key ?? String(this.model.order[0] ?? this.items[0]?.key ?? "");
  }

  place(key) {
    return this.placeOf?.get(String(key)) ?? -1;
  }

  // Draw the rows that are in the window, and those that hold the focus or words.
  window() {
    if (!this.items) return;
    const top = this.grid.scrollTop;
    const first = Math.max(0, Math.floor(top / ROW_H) - BEYOND);
    const last = Math.min(this.items.length, Math.ceil((top + this.grid.clientHeight) / ROW_H) + BEYOND);
    const wanted = new Set();
    for (let at = first; at < last; at++) wanted.add(at);
    for (const key of [this.model.current, this.model.open]) {
      const at = this.place(key);
      if (at >= 0) wanted.add(at);
    }
    const keys = new Set();
    for (const at of [...wanted].sort((a, b) => a - b)) {
      const item = this.items[at];
      keys.add(item.key);
      this.drawItem(item, at);
    }
    for (const [key, node] of this.drawn) {
      if (keys.has(key)) continue;
      this.leaving = true; // taking the focus away is not the user's leaving
      node.remove();
      this.leaving = false;
      this.drawn.delete(key);
    }
    this.seen = this.items.slice(first, last).filter((item) => item.kind === "row")
      .map((item) => item.id);
  }

  drawItem(item, at) {
    let node = this.drawn.get(item.key);
    if (!node) {
      node = el("div", { role: "row" });
      node.item = item;
      this.drawn.set(item.key, node);
      this.body.append(node);
    }
    node.style.transform = `translateY(${at * ROW_H}px)`;
    node.setAttribute("aria-rowindex", at + 2);
    const isCurrent = String(this.model.current) === item.key;
    node.tabIndex = isCurrent ? 0 : -1;
    node.classList.toggle("current", isCurrent);
    if (item.kind === "group") this.drawGroup(node, item);
    else if (item.kind === "new") this.drawNew(node, item);
    else this.drawRow(node, item.id);
  }

  drawGroup(node, item) {
    node.className = "row group";
    const title = `${this.model.typeName(item.type)} · ${counted(item.count, "attribute")}`;
    if (node.textContent !== title) {
      node.replaceChildren(el("div", { role: "gridcell", "aria-colspan": this.columns.length + 2 }, title));
    }
  }

  drawNew(node, item) {
    node.classList.add("row", "new");
    const name = this.model.typeName(item.type);
    const open = this.model.open === item.key;
    const draft = this.model.drafts.get(item.key)?.text ?? "";
    const state = this.model.states.get(item.key);
    const sign = JSON.stringify([open, open ? "" : draft, state]);
    if (node.sign === sign) return;
    node.sign = sign;
    if (open && node.querySelector("input")) return void this.stateCell(node, state, item.key);
    const inside = open ? this.editor(item.key, draft, `New attribute of ${name}`)
      : draft ? `+ ${draft} (not added)` : `+ New attribute of ${name}`;
    node.replaceChildren(
      el("div", { role: "gridcell" }),
      el("div", { role: "gridcell", class: "phrase", "aria-colspan": this.columns.length }, inside),
      el("div", { role: "gridcell", class: "state" }));
    this.stateCell(node, state, item.key);
  }

  drawRow(node, id) {
    const row = this.model.shown(id);
    if (!row) return;
    const key = String(id);
    const open = this.model.open === key;
    const state = this.model.states.get(id);
    const draft = this.model.drafts.get(key);
    const unsaved = draft && draft.text !== row.phrase && !open;
    const ticked = this.model.selected.has(id);
    const sign = JSON.stringify([row, open, state, unsaved && draft.text, ticked, this.columns,
      this.model.grouped]);
    node.setAttribute("aria-selected", ticked);
    if (node.sign === sign) return;
    node.sign = sign;
    node.classList.add("row");
    node.classList.toggle("rejected", row.status === "rejected");
    node.classList.toggle("removing", Boolean(row.removing));
    if (open && node.querySelector("input.words")) return void this.stateCell(node, state, key);
    const tick = el("input", { type: "checkbox", tabindex: -1, "aria-label": `Select '${row.phrase}'` });
    tick.checked = ticked;
    node.replaceChildren(
      el("div", { role: "gridcell", class: "tick" }, tick),
      ...this.columns.map((name) => this.cell(name, row, open, draft)),
      el("div", { role: "gridcell", class: "state" }));
    this.stateCell(node, unsaved && state?.kind !== "conflict" && state?.kind !== "saving"
      ? { kind: "unsaved", said: draft.text } : state, key);
  }

  cell(name, row, open, draft) {
    const cell = el("div", { role: "gridcell", class: name });
    if (name === "phrase") {
      if (open) cell.append(this.editor(String(row.id), draft?.text ?? row.phrase, `Words of '${row.phrase}'`));
      else {
        cell.append(row.phrase);
        cell.title = row.phrase;
      }
    } else if (name === "type") cell.append(this.model.typeName(row.type));
    else if (name === "status") {
      cell.append(el("span", { class: `status ${row.status.replace(" ", "-")}` },
        el("span", { "aria-hidden": "true" }, `${MARKS[row.status] ?? ""} `), row.status));
      cell.title = row.decided ? `${row.status}, by ${row.decided}` : row.status;
    } else if (name === "findings") this.findings(cell, row);
    else if (name === "origin") cell.append(row.origin === "llm" ? "model" : row.origin);
    else if (name === "curve") {
      if (row.curve) cell.append(sparkline(row.curve, `Probability from ${row.curve[0]} when clean to ${row.curve.at(-1)} at the strongest level`));
      else cell.append("–");
    } else if (name === "changed") cell.append(`${row.at} by ${row.by}`);
    else {
      const value = row[name];
      const digits = name === "comments" ? 0 : 2;
      cell.append(value === null ? "–" : name === "comments" && !value ? "" : value.toFixed(digits));
    }
    return cell;
  }

  findings(cell, row) {
    if (row.status === "rejected") return;
    if (row.findings === null) {
      cell.append(el("span", { class: "pale" }, "checking"));
      return;
    }
    const said = row.findings.map(([severity, rule, reason]) =>
      `${SIGNS[severity]} ${rule.replaceAll("_", " ")}: ${reason}`);
    cell.title = said.join("\n") || "Lint has nothing to say about these words.";
    if (!row.findings.length) cell.append(el("span", { class: "pale" }, "none"));
    for (const severity of SEVERITIES) {
      const count = row.findings.filter(([found]) => found === severity).length;
      if (!count) continue;
      cell.append(el("span", { class: `finding ${severity}` },
        el("span", { "aria-hidden": "true" }, `${SIGNS[severity]} `),
        count === 1 ? severity : `${count} ${severity}s`), " ");
    }
  }

  stateCell(node, state, key) {
    const cell = node.lastElementChild;
    const words = { saving: "Saving…", saved: "✓ Saved", conflict: "Conflict", refused: "Not saved",
      unsaved: "Not saved" };
    cell.textContent = state ? words[state.kind] : "";
    cell.className = `state ${state?.kind ?? ""}`;
    cell.title = state?.said ?? "";
    if (this.model.open === key && state?.kind === "refused") this.tellUnder(node, [["fault", "", state.said, ""]]);
  }

  editor(key, text, label) {
    const input = el("input", { class: "words", type: "text", "aria-label": label, spellcheck: "true",
      autocomplete: "off" });
    input.value = text;
    input.addEventListener("input", () => this.table.typing(key, input.value));
    input.addEventListener("blur", () => {
      if (!this.leaving && document.hasFocus()) this.table.leave(key, input.value);
    });
    return input;
  }

  // What lint says of the words that are being typed, under their line.
  tellUnder(node, findings) {
    node.querySelector(".told")?.remove();
    if (findings === null) return;
    const lines = findings.map(([severity, rule, reason, suggestion]) =>
      el("div", { class: severity }, `${SIGNS[severity]} ${reason} ${suggestion}`));
    if (!lines.length) lines.push(el("div", {}, "✓ Lint has nothing to say about these words."));
    node.children[1].append(el("div", { class: "told", role: "status" }, ...lines));
  }

  focusCurrent() {
    const at = this.place(this.model.current);
    if (at < 0) return;
    const y = at * ROW_H;
    const room = this.grid.clientHeight - this.head.offsetHeight - ROW_H;
    if (y < this.grid.scrollTop) this.grid.scrollTop = y;
    else if (y > this.grid.scrollTop + room) this.grid.scrollTop = y - room;
    this.window();
    const node = this.drawn.get(String(this.model.current));
    const input = node?.querySelector("input.words");
    (input ?? node)?.focus({ preventScroll: true });
  }
}
