// What the table knows: rows as the server sent them, acts under way, words not saved yet.

const STATUSES = ["proposed", "accepted", "needs work", "rejected"];
const ORIGINS = ["llm", "curated", "expert", "import", "improved"];
const SEVERITIES = ["fault", "doubt", "hint"];
const SIGNS = { fault: "✗", doubt: "?", hint: "·" };
const FIELDS = ["id", "version", "type", "position", "phrase", "status", "origin", "by", "at",
  "decided", "comments", "findings", "curve", "specificity", "weight", "share"];
const KEPT = "workbench curate"; // where a tab keeps what is not saved, over reloads
const PATIENCE_MS = 2500; // after it an act that nobody answered is sent again

const randomName = () =>
  Array.from(crypto.getRandomValues(new Uint32Array(3)), (part) => part.toString(36)).join("");
// Rows outlive the table: who comes back from another page is sent only what is new.
const remembered = { rows: new Map(), types: {}, epoch: null, number: -1 };
const counted = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

class Model {
  constructor() {
    Object.assign(this, remembered);
    this.unchecked = 0;
    this.loaded = false;
    this.states = new Map(); // id to {kind, said, theirs}
    this.selected = new Set();
    this.current = null; // key of an item: an id, or "new <type>"
    this.order = []; // ids as they are shown
    this.filter = { type: "", status: "", origin: "", findings: "", find: "" };
    this.sort = { by: "place", down: false };
    this.grouped = true;
    this.typed = new Map(); // findings of words as they are typed, by item
    const kept = this.readKept();
    this.drafts = new Map(Object.entries(kept.drafts ?? {})); // item to {text, version, base}
    this.outbox = kept.outbox ?? [];
    this.open = kept.open ?? null; // the item that is being edited
  }

  readKept() {
    try {
      return JSON.parse(sessionStorage.getItem(KEPT)) ?? {};
    } catch {
      return {};
    }
  }

  keep() {
    const kept = { drafts: Object.fromEntries(this.drafts), outbox: this.outbox, open: this.open };
    try {
      sessionStorage.setItem(KEPT, JSON.stringify(kept));
    } catch {
      // A browser that stores nothing still edits; only a reload would lose what is not saved.
    }
  }

  // Take in rows; false if they don't follow on what is here, and everything must be asked for.
  take(board) {
    const follows = board.since === null || (board.epoch === this.epoch && board.since <= this.number);
    if (!follows) return false;
    const isOld = board.epoch === this.epoch && board.number < this.number; // drawn once more
    if (isOld && this.loaded) return true;
    const { added, moved } = isOld ? { added: [], moved: false } : this.takeRows(board);
    for (const [item] of this.drafts) {
      if (!/^\d+$/.test(item)) continue;
      const row = this.rows.get(Number(item));
      if (!row) this.meetGone(Number(item));
      else if (!this.loaded) this.meet(row);
    }
    this.unchecked = board.unchecked;
    for (const id of this.selected) if (!this.rows.has(id)) this.selected.delete(id);
    if (!this.loaded || (moved && this.sort.by === "place")) this.arrange();
    else this.fitIn(added);
    this.loaded = true;
    return true;
  }

  takeRows(board) {
    const before = this.rows;
    if (board.since === null) this.rows = new Map();
    if (board.types) this.types = board.types;
    const added = [];
    let moved = false;
    for (const values of board.rows) {
      const row = Object.fromEntries(FIELDS.map((name, index) => [name, values[index]]));
      if (!before.has(row.id)) added.push(row.id);
      moved ||= before.has(row.id) && before.get(row.id).position !== row.position;
      this.rows.set(row.id, row);
      this.meet(row);
    }
    for (const id of board.gone) this.rows.delete(id);
    [this.epoch, this.number] = [board.epoch, board.number];
    const { rows, types, epoch, number } = this;
    Object.assign(remembered, { rows, types, epoch, number });
    return { added, moved };
  }

  // A row has come that somebody may be rewording here.
  meet(row) {
    const draft = this.drafts.get(String(row.id));
    if (!draft || draft.version === row.version || this.isSending(row.id)) return;
    if (row.phrase === draft.base || row.phrase === draft.text) draft.version = row.version;
    else this.states.set(row.id, { kind: "conflict", theirs: row.phrase, by: row.by });
  }

  meetGone(id) {
    if (!this.isSending(id)) this.states.set(id, { kind: "conflict", theirs: null, by: "" });
  }

  isSending(id) {
    return this.outbox.some((act) => act.id === id || act.rows?.some(([other]) => other === id));
  }

  // A row with what is under way already in it.
  shown(id) {
    const row = this.rows.get(id);
    if (!row || !this.isSending(id)) return row;
    const shown = { ...row };
    for (const act of this.outbox) {
      if (act.act === "edit" && act.id === id) shown.phrase = act.phrase;
      if (!act.rows?.some(([other]) => other === id)) continue;
      if (act.act === "set status") shown.status = act.status;
      if (act.act === "change type") shown.type = act.type;
      if (act.act === "remove") shown.removing = true;
    }
    return shown;
  }

  typeName(type) {
    return this.types[type]?.[0] ?? type;
  }

  matches(row) {
    const { type, status, origin, findings, find } = this.filter;
    if (type && row.type !== type) return false;
    if (status && row.status !== status) return false;
    if (origin && row.origin !== origin) return false;
    const worst = row.findings?.[0]?.[0] ?? "none";
    if (findings === "any" && worst === "none") return false;
    if (findings && findings !== "any" && worst !== findings) return false;
    if (!find) return true;
    const text = `${row.phrase}\n${this.typeName(row.type)}\n${row.type}\n${row.by}`.toLowerCase();
    return find.toLowerCase().split(/\s+/).every((word) => text.includes(word));
  }

  // Which rows are shown, and in what order. Later changes leave a row where it stands.
  arrange() {
    const place = (row) => [this.typeName(row.type), row.position, row.id];
    const keys = {
      place,
      type: place,
      phrase: (row) => [row.phrase.toLowerCase()],
      status: (row) => [STATUSES.indexOf(row.status)],
      origin: (row) => [row.origin],
      findings: (row) => (row.findings ?? []).length
        ? [SEVERITIES.indexOf(row.findings[0][0]), -row.findings.length] : [9, 0],
      specificity: (row) => [row.specificity ?? 9],
      weight: (row) => [-Math.abs(row.weight ?? 0)],
      share: (row) => [-(row.share ?? 0)],
      comments: (row) => [-row.comments],
      changed: (row) => [row.at],
    };
    const own = keys[this.sort.by] ?? place;
    const sign = this.sort.down ? -1 : 1;
    const compared = (one, other) => {
      for (let at = 0; at < one.length; at++) {
        if (one[at] < other[at]) return -1;
        if (one[at] > other[at]) return 1;
      }
      return 0;
    };
    const rows = [...this.rows.values()].filter((row) => this.matches(row));
    const keyed = rows.map((row) => ({ row, own: own(row), place: place(row) }));
    keyed.sort((a, b) =>
      (this.grouped && compared([a.place[0], a.row.type], [b.place[0], b.row.type]))
      || sign * compared(a.own, b.own) || compared(a.place, b.place));
    this.order = keyed.map(({ row }) => row.id);
  }

  // Rows have come or gone: the others stay where they are.
  fitIn(added) {
    this.order = this.order.filter((id) => this.rows.has(id));
    if (added.length > 50) return this.arrange();
    for (const id of added) {
      const row = this.rows.get(id);
      if (!row || !this.matches(row) || this.order.includes(id)) continue;
      const last = this.order.findLastIndex((other) => this.rows.get(other).type === row.type);
      this.order.splice(last < 0 ? this.order.length : last + 1, 0, id);
    }
  }

  // Lines of the table: rows, a heading for each type, a line for a new attribute.
  items() {
    const items = [];
    const line = (type) => ({ key: `new ${type}`, kind: "new", type });
    const { type } = this.filter;
    const heads = this.grouped && !type;
    const opened = this.open?.startsWith("new ") ? this.open.slice(4) : null;
    let group = null;
    let head = null;
    for (const id of this.order) {
      const row = this.rows.get(id);
      if (heads && row.type !== group) {
        if (group !== null) items.push(line(group));
        group = row.type;
        head = { key: `group ${group} ${items.length}`, kind: "group", type: group, count: 0 };
        items.push(head);
      }
      if (head) head.count += 1;
      items.push({ key: String(id), kind: "row", id });
    }
    if (heads && group !== null) items.push(line(group));
    else if (type) items.push(line(type));
    if (opened !== null && !items.some((item) => item.key === this.open)) items.push(line(opened));
    return items;
  }

  // What a press of a key is about: the selected rows, or else the current one.
  targets() {
    const ids = this.selected.size ? [...this.selected] : [Number(this.current)];
    return ids.filter((id) => this.rows.has(id));
  }

  unsaved() {
    return [...this.drafts].filter(([, draft]) => draft.text.trim() && draft.text !== draft.base);
  }
}
