// The table's behaviour: keys, mouse, filters, dialogs; and what Streamlit calls.

const KEYS = [
  ["j, ↓ and k, ↑", "next and previous"], ["a", "accept"], ["w", "needs work"], ["r", "reject"],
  ["p", "proposed again"], ["e, Enter, F2", "edit; Enter saves and goes on, Escape leaves"],
  ["Alt with ↓ or ↑", "move within its type"], ["n", "new attribute of this type"], ["c", "comment"], ["Delete", "remove"],
  ["u and Shift+U", "undo and redo"], ["x, Space", "select"], ["Shift with ↓ or ↑", "select many"],
  ["Ctrl+A", "select all that are shown"], ["Escape", "select none"],
  ["t and m", "in a conflict: take theirs, keep mine"], ["/", "find"], ["d", "evidence"], ["f", "freeze"],
  ["?", "these keys"],
];
const LINT_AFTER_MS = 350;
const TELL_AFTER_MS = 250;
const ACKNOWLEDGE_MS = 8000;

class Table {
  constructor(parent) {
    this.model = new Model();
    this.post = new Post(this.model, () => this.draw(), (news) => this.say(news), (act) => this.who(act));
    this.view = new View(this);
    this.news = el("div", { class: "news", role: "status" });
    this.conflicts = el("div", { class: "conflicts", role: "alert" });
    this.bar = el("div", { class: "bar", role: "toolbar", "aria-label": "Acts" });
    this.tools = el("div", { class: "tools", role: "search" });
    this.count = el("span", { class: "count", role: "status" });
    this.empty = el("div", { class: "empty" });
    this.dialog = el("dialog", {});
    this.root = el("div", { class: "attribute-table" }, this.tools, this.bar, this.news,
      this.conflicts, this.view.grid, this.empty, this.count, this.dialog);
    this.root.addEventListener("keydown", (event) => this.key(event));
    this.view.grid.addEventListener("click", (event) => this.click(event));
    this.view.grid.addEventListener("dblclick", (event) => this.doubleClick(event));
    parent.append(this.root);
    this.clock = setInterval(() => this.post.look(), 1000);
  }

  receive(component, { board, answers, view }) {
    this.component = component;
    if (!this.toolsMade) {
      Object.assign(this.model.filter, view.filter ?? {});
      Object.assign(this.model.sort, view.sort ?? {});
      this.model.grouped = view.grouped ?? true;
      if (view.columns) this.view.columns = view.columns.filter((name) => COLUMNS[name]);
    }
    const first = !this.model.loaded;
    const known = this.model.take(board);
    this.post.receive(component, answers);
    if (!known) return this.post.tell(null);
    if (board.rows.length > 40) this.acknowledge();
    if (!this.toolsMade || board.types) this.makeTools();
    if (first) this.start();
    this.draw();
    if (first && (document.activeElement === document.body || !document.activeElement)) {
      this.view.focusCurrent();
    }
    if (first && this.model.open) this.view.focusCurrent();
    if (board.unchecked) this.tell();
  }

  // Many rows have come: they need not be sent again. Not at once each time, while lint goes on.
  acknowledge() {
    const now = Date.now();
    if (now - (this.acknowledgedAt ?? 0) < ACKNOWLEDGE_MS) return;
    this.acknowledgedAt = now;
    this.post.tell(this.post.have);
  }

  start() {
    const open = this.model.open;
    const there = open && (open.startsWith("new ") || this.model.rows.has(Number(open)));
    if (!there) this.model.open = null;
    this.model.current = there ? open : String(this.model.order[0] ?? "");
    this.view.drawHead();
    this.tell();
  }

  // Controls over the table.
  makeTools() {
    this.toolsMade = true;
    const { filter } = this.model;
    const choose = (name, label, all, options) => {
      const box = el("select", { "aria-label": label });
      box.append(el("option", { value: "" }, all));
      for (const [value, text] of options) box.append(el("option", { value }, text));
      box.value = filter[name];
      box.addEventListener("change", () => this.narrow(name, box.value));
      return box;
    };
    const types = new Map(Object.entries(this.model.types).map(([id, [name]]) => [id, name]));
    for (const row of this.model.rows.values()) if (!types.has(row.type)) types.set(row.type, row.type);
    if (filter.type && !types.has(filter.type)) filter.type = "";
    const sorted = [...types].sort((a, b) => a[1].localeCompare(b[1]));
    this.find = el("input", { type: "search", placeholder: "Find ( / )", "aria-label": "Find" });
    this.find.value = filter.find;
    this.find.addEventListener("input", () => this.narrow("find", this.find.value.trim()));
    const groups = el("input", { type: "checkbox" });
    groups.checked = this.model.grouped;
    groups.addEventListener("change", () => {
      this.model.grouped = groups.checked;
      this.rearrange();
    });
    this.tools.replaceChildren(this.find,
      choose("type", "Type", "All types", sorted),
      choose("status", "Status", "Any status", STATUSES.map((s) => [s, s])),
      choose("findings", "Findings", "Any finding", [["any", "with findings"],
        ["fault", "fault"], ["doubt", "doubt"], ["hint", "hint"], ["none", "no finding"]]),
      choose("origin", "Origin", "Any origin", ORIGINS.map((o) => [o, o === "llm" ? "model" : o])),
      el("label", {}, groups, " by type"),
      el("button", { type: "button", onclick: () => this.chooseColumns() }, "Columns"),
      el("button", { type: "button", onclick: () => this.showKeys() }, "Keys"));
    this.types = sorted;
    this.drawBar();
  }

  drawBar() {
    const many = this.model.selected.size;
    const act = (label, key, run) =>
      el("button", { type: "button", title: key ? `Key ${key}` : null, onclick: run }, label);
    const move = el("select", { "aria-label": "Move to" }, el("option", { value: "" }, "Move to…"));
    for (const [id, name] of this.types ?? []) {
      if (this.model.types[id]) move.append(el("option", { value: id }, name));
    }
    move.addEventListener("change", () => move.value && this.change("change type", { type: move.value }));
    this.bar.replaceChildren(
      el("strong", {}, many ? `${many.toLocaleString("en")} selected:` : "Current:"),
      act("Accept", "a", () => this.status("accepted")),
      act("Needs work", "w", () => this.status("needs work")),
      act("Reject", "r", () => this.status("rejected")),
      act("Edit", "e", () => this.edit()),
      act("Comment", "c", () => this.comment()),
      act("Remove", "Delete", () => this.change("remove", {})), move,
      el("span", { class: "gap" }),
      act("New", "n", () => this.edit(this.newKey())),
      act("Undo", "u", () => this.post.act({ act: "undo" })),
      act("Redo", "Shift+U", () => this.post.act({ act: "redo" })),
      el("button", { type: "button", class: "main", title: "Key f", onclick: () => this.freeze() }, "Freeze…"));
  }

  narrow(name, value) {
    this.model.filter[name] = value;
    this.rearrange();
  }

  sortBy(name) {
    const { sort } = this.model;
    if (sort.by !== name) [sort.by, sort.down] = [name, false];
    else if (!sort.down) sort.down = true;
    else [sort.by, sort.down] = ["place", false];
    this.view.drawHead();
    this.rearrange();
  }

  rearrange() {
    this.model.arrange();
    const shown = this.model.current !== null && this.model.items().some((i) => i.key === this.model.current);
    if (!shown) this.model.current = String(this.model.order[0] ?? "");
    for (const id of this.model.selected) {
      if (!this.model.order.includes(id)) this.model.selected.delete(id); // no act on what is hidden
    }
    this.draw();
    this.tell();
  }

  draw() {
    if (!this.model.loaded) return;
    const hadFocus = this.view.grid.contains(this.root.getRootNode().activeElement);
    this.view.draw();
    if (hadFocus && !this.view.grid.contains(this.root.getRootNode().activeElement)) this.view.focusCurrent();
    const { order, rows, selected, unchecked } = this.model;
    const many = selected.size ? `, ${selected.size.toLocaleString("en")} selected` : "";
    const open = unchecked ? ` · ${counted(unchecked, "attribute")} still to be checked by lint` : "";
    const text = `${order.length.toLocaleString("en")} of ${counted(rows.size, "attribute")} shown${many}${open}`;
    if (this.count.textContent !== text) this.count.textContent = text;
    const chosen = `${selected.size}`;
    if (this.bar.dataset.chosen !== chosen) {
      this.bar.dataset.chosen = chosen;
      this.bar.querySelector("strong").textContent = selected.size ? `${chosen} selected:` : "Current:";
    }
    this.drawEmpty();
    this.drawConflicts();
  }

  drawEmpty() {
    const { rows, order } = this.model;
    const kind = rows.size === 0 ? "empty" : order.length === 0 ? "none" : "";
    this.view.grid.hidden = kind === "empty" && !this.model.filter.type;
    if (this.empty.dataset.kind === kind) return;
    this.empty.dataset.kind = kind;
    if (kind === "none") {
      this.empty.replaceChildren("No attribute is like that. ", el("button", { type: "button",
        onclick: () => this.clearFilters() }, "Show all"));
    } else if (kind === "empty") {
      this.empty.replaceChildren(
        el("p", {}, "The draft is empty. Start from the attributes that ship with the workbench, or choose a type above and write one. A language model drafts on the page “Draft with a model”; a version is restored on the page Versions."),
        el("button", { type: "button", class: "main",
          onclick: () => this.post.act({ act: "start from curated" }) }, "Start from the curated set"));
    } else this.empty.replaceChildren();
  }

  clearFilters() {
    Object.assign(this.model.filter, { type: "", status: "", origin: "", findings: "", find: "" });
    this.makeTools();
    this.rearrange();
    this.view.focusCurrent();
  }

  drawConflicts() {
    const there = [...this.model.states].filter(([, state]) => state.kind === "conflict");
    const sign = JSON.stringify(there.map(([id, state]) => [id, state, this.model.drafts.get(String(id))?.text]));
    if (this.conflicts.dataset.sign === sign) return;
    this.conflicts.dataset.sign = sign;
    this.conflicts.replaceChildren(...there.map(([id, state]) => {
      const mine = this.model.drafts.get(String(id))?.text ?? "";
      const told = state.theirs === null
        ? [el("span", {}, "Somebody has removed the attribute that you are rewording.")]
        : [el("span", {}, `${state.by} has changed it to `), el("q", {}, state.theirs)];
      const button = (label, run) => el("button", { type: "button", onclick: run }, label);
      return el("div", {}, el("strong", {}, "Conflict: "), ...told, el("span", {}, " You wrote "),
        el("q", {}, mine), " ", button("Take theirs", () => this.takeTheirs(id)),
        button(state.theirs === null ? "Add mine again" : "Keep mine", () => this.keepMine(id)));
    }));
  }

  takeTheirs(id) {
    this.model.drafts.delete(String(id));
    this.model.states.delete(id);
    if (this.model.open === String(id)) this.model.open = null;
    this.model.keep();
    this.draw();
    this.view.focusCurrent();
  }

  keepMine(id) {
    const key = String(id);
    const draft = this.model.drafts.get(key);
    const row = this.model.rows.get(id);
    if (this.model.open === key) this.model.open = null;
    this.model.states.delete(id);
    if (row) {
      Object.assign(draft, { version: row.version, base: row.phrase });
      this.post.act({ act: "edit", id, version: row.version, phrase: draft.text, base: row.phrase });
    } else {
      this.model.drafts.delete(key);
      this.post.act({ act: "add", type: draft.type ?? this.model.filter.type, phrase: draft.text });
    }
    this.view.focusCurrent();
  }

  // Editing.
  newKey() {
    const item = this.view.items?.[this.view.place(this.model.current)];
    const type = item?.type ?? this.model.rows.get(Number(this.model.current))?.type ?? this.model.filter.type;
    return type ? `new ${type}` : null;
  }

  edit(key = this.model.current) {
    const row = this.model.rows.get(Number(key));
    if (!key || (!row && !String(key).startsWith("new "))) return;
    if (row && !this.model.drafts.has(String(key))) {
      const draft = { text: row.phrase, version: row.version, base: row.phrase, type: row.type };
      this.model.drafts.set(String(key), draft);
    }
    this.model.states.delete(row ? row.id : key);
    this.model.current = this.model.open = String(key);
    this.model.keep();
    this.draw();
    this.view.focusCurrent();
    this.view.drawn.get(String(key))?.querySelector("input.words")?.select();
  }

  typing(key, text) {
    const draft = this.model.drafts.get(key) ?? { base: "", text: "" };
    draft.text = text;
    this.model.drafts.set(key, draft);
    this.model.keep();
    clearTimeout(this.lintLater);
    this.lintLater = setTimeout(() => this.lint(key, text), LINT_AFTER_MS);
  }

  lint(key, phrase) {
    const row = this.model.rows.get(Number(key));
    const type = row ? row.type : key.slice(4);
    const told = (answer) => {
      const node = this.view.drawn.get(key);
      if (node && this.model.open === key) this.view.tellUnder(node, phrase.trim() ? answer.findings ?? [] : null);
    };
    this.post.ask({ act: "lint", phrase, type, id: row?.id ?? null }, told);
  }

  // Save what was typed, if it differs; empty words are no words and stay unsaved.
  save(key, text) {
    clearTimeout(this.lintLater);
    const row = this.model.rows.get(Number(key));
    this.model.open = null;
    const draft = this.model.drafts.get(key);
    if (!row) {
      this.model.drafts.delete(key); // the act has the words now
      if (text.trim()) this.post.act({ act: "add", type: key.slice(4), phrase: text });
    } else if (text === row.phrase) this.model.drafts.delete(key);
    else if (this.model.states.get(row.id)?.kind !== "conflict") {
      const { version, base } = draft ?? { version: row.version, base: row.phrase };
      this.post.act({ act: "edit", id: row.id, version, phrase: text, base });
    }
    this.model.keep();
  }

  leave(key, text) {
    if (this.model.open !== key) return;
    this.save(key, text);
    this.draw();
  }

  escape(key, text) {
    this.model.open = null;
    clearTimeout(this.lintLater);
    const draft = this.model.drafts.get(key);
    if (!text.trim() || (draft && text === draft.base)) this.model.drafts.delete(key);
    else this.say({ text: "Your words are kept here, not saved: e goes on with them, Escape drops them." });
    this.model.keep();
    this.draw();
    this.view.focusCurrent();
  }

  // Acts on rows.
  change(act, more) {
    const rows = this.model.targets().map((id) => [id, this.model.rows.get(id).version]);
    if (!rows.length) return;
    if (rows.length === 1 || act !== "remove") return this.post.act({ act, rows, ...more });
    this.confirm(`Remove ${counted(rows.length, "attribute")}? Undo brings them back.`, "Remove",
      () => this.post.act({ act, rows, ...more }));
  }

  status(status) {
    this.change("set status", { status });
  }

  comment() {
    const row = this.model.rows.get(Number(this.model.current));
    if (!row) return;
    const text = el("input", { type: "text", "aria-label": `Comment on '${row.phrase}'` });
    this.ask(`Comment on “${row.phrase}”`, [text], "Add comment", () => {
      if (!text.value.trim()) return "A comment needs words.";
      this.post.act({ act: "comment", id: row.id, text: text.value });
      return null;
    });
  }

  freeze() {
    const rows = [...this.model.rows.keys()].map((id) => this.model.shown(id)).filter((row) => !row.removing);
    const staying = rows.filter((row) => row.status !== "rejected");
    const types = new Set(staying.map((row) => row.type)).size;
    const rejected = rows.length - staying.length;
    const open = staying.filter((row) => row.status === "needs work").length;
    const unsaved = this.model.unsaved();
    const message = el("input", { type: "text", "aria-label": "Message", placeholder: "why this version" });
    const alias = el("input", { type: "text", "aria-label": "Alias (optional)", placeholder: "alias (optional)" });
    const told = [el("p", {}, `${counted(staying.length, "attribute")} of ${counted(types, "distortion")} will be frozen`
      + (rejected ? `; ${rejected.toLocaleString("en")} rejected will be left out.` : ".")
      + (open ? ` ${open.toLocaleString("en")} of them need work.` : ""))];
    if (unsaved.length) {
      told.push(el("p", { class: "warning" }, `Not saved, and so not in it: ${unsaved.slice(0, 5)
        .map(([, draft]) => `“${draft.text}”`).join(", ")}${unsaved.length > 5 ? ` and ${unsaved.length - 5} more` : ""}.`));
    }
    this.ask("Freeze the draft", [...told, message, alias], "Freeze", () => {
      if (!message.value.trim()) return "A version needs a message: say why it is frozen.";
      this.post.act({ act: "freeze", message: message.value, alias: alias.value });
      return null;
    });
  }

  // Dialogs. `done` returns what is wrong, or null.
  ask(title, content, label, done) {
    const fault = el("p", { class: "warning", role: "alert" });
    const form = el("form", { method: "dialog" }, el("h2", { id: "asked" }, title), ...content, fault,
      el("div", { class: "buttons" }, el("button", { type: "submit", class: "main" }, label),
        el("button", { type: "button", onclick: () => this.dialog.close() }, "Cancel")));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const wrong = done();
      if (wrong) fault.textContent = wrong;
      else this.dialog.close();
    });
    this.show(form);
    form.querySelector("input")?.focus();
  }

  confirm(question, label, run) {
    this.ask("Are you sure?", [el("p", {}, question)], label, () => {
      run();
      return null;
    });
  }

  // Nobody is named yet: ask, and then do what was asked for, in its order.
  who(act) {
    const { uid, ...again } = act;
    if (this.dialog.open && this.nameless?.length) return void this.nameless.push(again);
    this.nameless = [again];
    const name = el("input", { type: "text", "aria-label": "Your name", maxlength: 60 });
    this.ask("Who are you?", [el("p", {}, "Edits, decisions and comments are kept under your name. This browser remembers it."), name],
      "Continue", () => {
        if (!name.value.trim()) return "Say a name: your own, or the one that people here know you by.";
        for (const next of [{ act: "say who", name: name.value }, ...this.nameless]) this.post.act(next);
        this.nameless = [];
        return null;
      });
  }

  showKeys() {
    const lines = KEYS.flatMap(([key, what]) => [el("dt", {}, key), el("dd", {}, what)]);
    this.show(el("form", { method: "dialog" }, el("h2", { id: "asked" }, "Keys"), el("dl", {}, ...lines),
      el("button", { type: "submit", class: "main" }, "Close")));
  }

  chooseColumns() {
    const boxes = Object.entries(COLUMNS).filter(([, column]) => !column.always).map(([name, column]) => {
      const box = el("input", { type: "checkbox" });
      box.checked = this.view.columns.includes(name);
      box.addEventListener("change", () => {
        const wanted = new Set(this.view.columns);
        wanted[box.checked ? "add" : "delete"](name);
        this.view.columns = Object.keys(COLUMNS).filter((c) => wanted.has(c));
        this.view.drawHead();
        this.draw();
        this.tell();
      });
      return el("label", {}, box, ` ${column.title}`);
    });
    this.show(el("form", { method: "dialog", class: "choices" }, el("h2", { id: "asked" }, "Columns"), ...boxes,
      el("button", { type: "submit", class: "main" }, "Close")));
  }

  show(form) {
    this.dialog.replaceChildren(form);
    this.dialog.setAttribute("aria-labelledby", "asked");
    this.dialog.onclose = () => this.view.focusCurrent();
    if (!this.dialog.open) this.dialog.showModal();
  }

  say({ text, bad, ask, again }) {
    if (ask) return this.confirm(ask, again.act === "undo" ? "Undo" : "Redo", () => this.post.act(again));
    this.news.textContent = text;
    this.news.classList.toggle("bad", Boolean(bad));
    clearTimeout(this.hush);
    if (!bad) this.hush = setTimeout(() => { this.news.textContent = ""; }, 8000);
  }

  // Keys and mouse.
  key(event) {
    event.stopPropagation(); // Streamlit has keys of its own
    if (this.dialog.open) return;
    const inside = event.composedPath()[0];
    if (inside.matches?.("input.words")) return this.keyInWords(event, inside);
    if (inside === this.find && (event.key === "Enter" || event.key === "ArrowDown")) {
      event.preventDefault();
      return this.view.focusCurrent();
    }
    if (inside.matches?.("input:not([type=checkbox]), select, textarea")) return undefined;
    if (inside.matches?.("button") && [" ", "Enter"].includes(event.key)) return undefined;
    const handled = this.keyInGrid(event);
    if (handled) event.preventDefault();
    return undefined;
  }

  keyInWords(event, input) {
    const key = this.model.open;
    if (event.isComposing || key === null) return;
    if (event.key === "Escape") this.escape(key, input.value);
    else if (event.key === "Enter") {
      event.preventDefault();
      this.save(key, input.value);
      if (key.startsWith("new ")) this.edit(key);
      else this.go(1);
    }
  }

  keyInGrid(event) {
    const { key } = event;
    if (event.altKey) {
      if (!["ArrowDown", "ArrowUp"].includes(key)) return false;
      const row = this.model.rows.get(Number(this.model.current));
      const by = key === "ArrowDown" ? 1 : -1;
      if (row) this.post.act({ act: "move", id: row.id, version: row.version, type: row.type, by });
      return true;
    }
    if (event.ctrlKey || event.metaKey) {
      if (key.toLowerCase() !== "a") return false;
      this.model.selected = new Set(this.model.order);
      this.draw();
      return true;
    }
    const page = Math.max(1, Math.floor(this.view.grid.clientHeight / ROW_H) - 2);
    const steps = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: page, PageUp: -page,
      Home: -Infinity, End: Infinity };
    if (key in steps) return this.go(steps[key], event.shiftKey);
    const acts = {
      a: () => this.status("accepted"), r: () => this.status("rejected"),
      w: () => this.status("needs work"), p: () => this.status("proposed"),
      e: () => this.edit(), F2: () => this.edit(), Enter: () => this.edit(), c: () => this.comment(),
      n: () => this.edit(this.newKey()), Delete: () => this.change("remove", {}),
      u: () => this.post.act({ act: "undo" }), U: () => this.post.act({ act: "redo" }),
      x: () => this.tick(), " ": () => this.tick(), "/": () => this.find.focus(),
      d: () => this.post.toggleDrawer(), f: () => this.freeze(), "?": () => this.showKeys(), Escape: () => this.drop(),
      t: () => this.inConflict() && this.takeTheirs(Number(this.model.current)),
      m: () => this.inConflict() && this.keepMine(Number(this.model.current)),
    };
    if (!(key in acts)) return false;
    acts[key]();
    return true;
  }

  inConflict() {
    return this.model.states.get(Number(this.model.current))?.kind === "conflict";
  }

  drop() {
    const key = String(this.model.current);
    const draft = this.model.drafts.get(key);
    if (draft && !this.inConflict() && !this.model.isSending(Number(key))) {
      this.model.drafts.delete(key);
      this.model.states.delete(Number(key) || key);
      this.model.keep();
      this.say({ text: `Dropped: “${draft.text}”.` });
    } else this.model.selected.clear();
    this.draw();
  }

  tick(id = Number(this.model.current)) {
    if (!this.model.rows.has(id)) return;
    if (!this.model.selected.delete(id)) this.model.selected.add(id);
    this.anchor = id;
    this.draw();
  }

  // Make another line the current one; headings are passed over.
  go(step, extending = false) {
    const { items } = this.view;
    const way = step < 0 ? -1 : 1;
    let at = this.view.place(this.model.current) + step;
    at = Math.min(Math.max(at, 0), items.length - 1);
    while (items[at] && items[at].kind === "group") at += way;
    if (!items[at]) at = this.view.place(this.model.current);
    if (items[at]) this.moveTo(items[at].key, extending);
    return true;
  }

  moveTo(key, extending) {
    if (extending) this.extend(key);
    this.model.current = key;
    this.draw();
    this.view.focusCurrent();
    this.tell();
  }

  extend(key) {
    this.anchor ??= Number(this.model.current);
    if (!this.model.selected.size) this.anchor = Number(this.model.current);
    const [one, other] = [this.view.place(this.anchor), this.view.place(key)];
    if (one < 0 || other < 0) return;
    const part = this.view.items.slice(Math.min(one, other), Math.max(one, other) + 1);
    this.model.selected = new Set(part.filter((item) => item.kind === "row").map((item) => item.id));
  }

  click(event) {
    const node = event.target.closest(".body > [role=row]");
    if (!node || node.item.kind === "group" || event.target.matches("input.words")) return;
    const { item } = node;
    if (item.kind === "new") return void (this.model.open !== item.key && this.edit(item.key));
    if (event.target.closest(".tick") || event.ctrlKey || event.metaKey) this.tick(item.id);
    this.moveTo(item.key, event.shiftKey);
  }

  doubleClick(event) {
    const node = event.target.closest(".body > [role=row]");
    if (node?.item.kind === "row" && !event.target.matches("input")) this.edit(node.item.key);
  }

  // Tell the server what is looked at: for the drawer, the address, and what lint checks first.
  tell() {
    clearTimeout(this.tellLater);
    this.tellLater = setTimeout(() => {
      const { filter, sort, grouped } = this.model;
      const at = { row: Number(this.model.current) || null, filter, sort, grouped,
        columns: this.view.columns, seen: this.view.seen ?? [] };
      const sign = JSON.stringify(at);
      if (sign === this.told) return;
      this.told = sign;
      this.component.setStateValue("at", at);
    }, TELL_AFTER_MS);
  }

  end() {
    clearInterval(this.clock);
    clearTimeout(this.tellLater);
    clearTimeout(this.lintLater);
  }
}

const tables = new WeakMap();
const decoder = new TextDecoder();

export default function (component) {
  const { data, parentElement } = component;
  if (!tables.has(parentElement)) tables.set(parentElement, new Table(parentElement));
  tables.get(parentElement).receive(component, JSON.parse(decoder.decode(data)));
  return () => tables.get(parentElement)?.end();
}
