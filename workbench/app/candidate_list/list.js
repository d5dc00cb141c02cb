// Candidates of language models, each an element of its own that keeps its place and its identity
// while answers come in: rows are matched by key, new ones join at the end of their type, and what
// is under the pointer or has the focus stays where it is.
const SETTLING_MS = 500; // after rows have moved under the pointer, in which a press is not meant
const KEYS = { a: "take", e: "edit", r: "reject", c: "curve" };
const OVER_ALL = { u: "undo", U: "redo" };
const SVG = "http://www.w3.org/2000/svg";

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

class CandidateList {
  constructor(root) {
    this.root = root;
    this.rows = new Map(); // key → li
    this.acts = []; // sent, and not answered yet
    this.movedAt = -Infinity;
    this.status = element("span");
    this.status.setAttribute("role", "status");
    this.sort = element("button", { type: "button", textContent: "Sort by support" });
    this.sort.onclick = () => this.sorted();
    this.list = element("div", { className: "list" });
    this.list.onkeydown = (event) => this.onKey(event);
    this.keys = element("p", { className: "help" });
    for (const [key, words] of [
      ["↓ ↑", "next, previous"], ["a", "take"], ["e", "edit and take"], ["r", "reject"], ["c", "curve"],
      ["u", "undo"], ["Shift+U", "redo"],
    ]) this.keys.append(element("kbd", { textContent: key }), ` ${words}  `);
    this.bar = element("div", { className: "bar" }, this.status, this.sort);
    root.append(this.bar, this.list, this.keys);
  }

  update(data, send) {
    this.send = send;
    this.settle(data.results);
    const held = this.list.querySelector("li:hover") || this.list.querySelector("li:focus-within");
    const before = held && held.isConnected ? held.getBoundingClientRect().top : null;
    const focused = this.focusedRow();
    const next = focused && this.neighbour(focused, 1);
    const previous = focused && this.neighbour(focused, -1);
    this.draw(data.types);
    if (before !== null && held.isConnected) {
      this.list.scrollTop += held.getBoundingClientRect().top - before;
      if (Math.abs(held.getBoundingClientRect().top - before) > 2) this.movedAt = performance.now();
    } else if (before !== null) {
      this.movedAt = performance.now();
    }
    if (focused && !focused.isConnected) {
      const successor = [next, previous].find((row) => row && row.isConnected);
      if (successor) this.focus(successor);
    }
    this.markOne();
    this.sort.hidden = this.rows.size < 2;
    this.keys.hidden = this.rows.size === 0;
    this.bar.hidden = this.keys.hidden && !this.status.textContent;
  }

  // Take notice of what became of acts.
  settle(results) {
    const open = [];
    for (const act of this.acts) {
      const result = results[act.uid];
      if (!result) {
        open.push(act);
        continue;
      }
      this.status.textContent = result.text;
      const row = this.rows.get(act.key);
      if (!row) continue;
      this.wait(row, false);
      row.error.textContent = result.ok ? "" : result.text;
    }
    this.acts = open;
  }

  draw(types) {
    const present = new Set();
    for (const type of types) {
      const section = this.section(type);
      for (const candidate of type.candidates) {
        present.add(candidate.key);
        const row = this.rows.get(candidate.key) || this.newRow(section, candidate);
        this.fill(row, candidate);
      }
    }
    for (const [key, row] of this.rows) {
      if (present.has(key)) continue;
      row.remove();
      this.rows.delete(key);
    }
    for (const section of [...this.list.children]) {
      if (!types.some((type) => type.id === section.dataset.type)) section.remove();
    }
  }

  section(type) {
    let section = [...this.list.children].find((each) => each.dataset.type === type.id);
    if (!section) {
      section = element("section", {}, element("h3"), element("ul"));
      section.dataset.type = type.id;
      this.list.append(section);
    }
    const said = element("small", { textContent: ` ${type.said}` });
    section.querySelector("h3").replaceChildren(type.name, said);
    section.querySelector("ul").setAttribute("aria-label", `Candidates of ${type.name}`);
    return section;
  }

  newRow(section, candidate) {
    const row = element("li", { tabIndex: -1 });
    row.words = element("span", { className: "phrase", textContent: candidate.phrase });
    row.support = element("span", { className: "support" });
    row.place = element("div", {}, row.words, row.support);
    row.acts = element("div", { className: "acts" });
    for (const [act, label] of [
      ["take", "Take"], ["edit", "Edit"], ["reject", "Reject"], ["curve", "Curve"],
    ]) {
      const button = element("button", { type: "button", textContent: label });
      button.setAttribute("aria-label", `${label}: ${candidate.phrase}`);
      button.onclick = (event) => this.pressed(event, row, act);
      row.acts.append(button);
    }
    row.findings = element("ul", { className: "findings" });
    row.error = element("p", { className: "error" });
    row.error.setAttribute("role", "alert");
    row.append(row.place, row.acts, row.findings, row.error);
    row.onfocus = () => this.markOne(row);
    this.rows.set(candidate.key, row);
    section.querySelector("ul").append(row);
    return row;
  }

  fill(row, candidate) {
    row.candidate = candidate;
    row.support.textContent = candidate.said;
    const findings = candidate.findings.map((text) => element("li", { textContent: text }));
    row.findings.replaceChildren(...findings);
    if (row.drawn !== JSON.stringify(candidate.curve)) {
      row.drawn = JSON.stringify(candidate.curve);
      row.querySelector("figure")?.remove();
      if (candidate.curve) row.append(figure(candidate.curve));
    }
  }

  pressed(event, row, act) {
    // A press with the pointer is meant for what was there when it was decided on.
    if (event.detail && performance.now() - this.movedAt < SETTLING_MS) {
      this.status.textContent = "The list has just moved; press again.";
      return;
    }
    this.begin(row, act);
  }

  begin(row, act) {
    if (row.classList.contains("waiting")) return;
    if (act === "edit") this.edit(row);
    else this.act(row, act);
  }

  edit(row) {
    if (row.querySelector("input")) return;
    const input = element("input", { value: row.candidate.phrase });
    input.setAttribute("aria-label", `Words to take instead of: ${row.candidate.phrase}`);
    const close = () => (input.replaceWith(row.words), row.focus());
    input.onkeydown = (event) => {
      event.stopPropagation();
      if (event.key === "Escape") close();
      if (event.key === "Enter") {
        const words = input.value;
        close();
        this.act(row, "edit", words);
      }
    };
    row.words.replaceWith(input);
    input.focus();
    input.select();
    this.status.textContent = "Enter takes it in these words, Escape leaves it.";
  }

  act(row, act, words = null) {
    const { key, distortion, phrase } = row.candidate;
    this.wait(row, true);
    row.error.textContent = "";
    this.begun({ act, key, distortion, phrase, words });
  }

  begun(act) {
    const uid = `${Date.now()}-${Math.random().toString(36).slice(2)}`;
    this.acts.push({ uid, ...act });
    this.status.textContent = act.act === "curve" ? "Measuring…" : "Saving…";
    this.send(this.acts);
  }

  wait(row, waits) {
    row.classList.toggle("waiting", waits);
    for (const button of row.acts.children) button.disabled = waits;
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "INPUT") return;
    if (OVER_ALL[event.key]) return this.begun({ act: OVER_ALL[event.key] });
    const row = event.target.closest("li[tabindex]");
    const act = KEYS[event.key.toLowerCase()];
    const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
    if (!row || !(act || step)) return;
    event.preventDefault();
    if (act) {
      const successor = this.neighbour(row, 1) || row;
      this.begin(row, act);
      if (act === "take" || act === "reject") this.focus(successor);
    } else {
      const to = this.neighbour(row, step);
      if (to) this.focus(to);
    }
  }

  neighbour(row, step) {
    const rows = [...this.list.querySelectorAll("li[tabindex]")];
    return rows[rows.indexOf(row) + step];
  }

  focus(row) {
    this.markOne(row);
    row.focus();
    row.scrollIntoView({ block: "nearest" });
  }

  focusedRow() {
    const within = this.list.querySelector("li:focus-within");
    return within && within.closest("li[tabindex]");
  }

  // One row takes the Tab key, so that the list is one stop on the way through the page.
  markOne(row = null) {
    const rows = [...this.list.querySelectorAll("li[tabindex]")];
    const one = row || rows.find((each) => each.tabIndex === 0) || rows[0];
    for (const each of rows) each.tabIndex = each === one ? 0 : -1;
  }

  sorted() {
    for (const list of this.list.querySelectorAll("section > ul")) {
      const rows = [...list.children].sort((a, b) => a.candidate.rank - b.candidate.rank);
      list.append(...rows);
    }
    this.movedAt = performance.now();
  }
}

// The probability by strength, with its interval.
function figure(curve) {
  const made = element("figure");
  if (curve.error) {
    made.textContent = curve.error;
    return made;
  }
  const width = 300, height = 90, left = 26, bottom = 16;
  const x = (strength) => left + strength * (width - left - 4);
  const y = (share) => 4 + (1 - share) * (height - bottom - 4);
  const points = (values) => values.map((value, i) => `${x(curve.strength[i])},${y(value)}`);
  const draw = (tag, attributes, text) => {
    const node = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    if (text) node.textContent = text;
    svg.append(node);
  };
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", curve.words);
  draw("polygon", { class: "band", points: [...points(curve.low), ...points(curve.high).reverse()].join(" ") });
  draw("polyline", { class: "line", points: points(curve.mean).join(" ") });
  draw("line", { class: "axis", x1: left, y1: y(0), x2: x(1), y2: y(0) });
  draw("line", { class: "axis", x1: left, y1: y(0), x2: left, y2: y(1) });
  draw("text", { x: left - 4, y: y(1) + 8, "text-anchor": "end" }, "1");
  draw("text", { x: left - 4, y: y(0), "text-anchor": "end" }, "0");
  draw("text", { x: left, y: height - 2 }, "clean");
  draw("text", { x: x(1), y: height - 2, "text-anchor": "end" }, "strongest");
  made.append(svg, element("figcaption", { textContent: curve.words }));
  return made;
}

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".candidates");
  root.view ??= new CandidateList(root);
  root.view.update(data, (acts) => setStateValue("acts", acts));
}
