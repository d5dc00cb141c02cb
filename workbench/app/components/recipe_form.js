// The form of a recipe. It holds one document; every change of it is kept by the browser and sent
// to Python, which answers with the faults. Only a change of the steps builds the form anew.

const FORMS = new WeakMap(); // parent element -> its form
const PAUSE_MS = 200; // without a further key, before what is typed is sent

export default function (component) {
  const { parentElement, data } = component;
  let form = FORMS.get(parentElement);
  if (!form) FORMS.set(parentElement, (form = new RecipeForm(component)));
  form.update(component, data);
}

class RecipeForm {
  constructor({ parentElement, data }) {
    this.root = parentElement.querySelector(".recipe");
    this.root.onsubmit = (event) => event.preventDefault();
    this.revision = data.revision;
    this.data = data;
    this.next = 1;
    const kept = this.kept();
    this.take(kept ?? data.document);
    this.isTouched = Boolean(kept || data.document.name); // an empty form has no faults yet
    this.isToBeSent = Boolean(kept);
  }

  update(component, data) {
    this.component = component;
    this.data = data;
    if (data.saved) {
      localStorage.removeItem(data.store);
      component.setTriggerValue("left", true);
      return;
    }
    if (data.revision !== this.revision) {
      this.revision = data.revision;
      this.take(data.document);
      this.changed();
    }
    if (!this.root.firstChild) this.build();
    this.showFaults();
    if (this.isToBeSent) this.send();
  }

  kept() {
    try {
      const document = JSON.parse(localStorage.getItem(this.data.store));
      return document && Array.isArray(document.steps) ? document : null;
    } catch {
      return null;
    }
  }

  take(document) {
    const steps = document.steps.map((step) => ({ ...step, key: this.next++ }));
    this.document = { ...document, steps };
    this.root.replaceChildren();
  }

  get levels() {
    return Math.max(0, ...this.document.steps.map((step) => step.parameters.length));
  }

  // What was typed: kept at once, sent after a pause.
  typed() {
    this.changed();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.send(), PAUSE_MS);
  }

  changed() {
    this.isTouched = true;
    this.isToBeSent = true;
    try {
      localStorage.setItem(this.data.store, JSON.stringify(this.plain()));
    } catch {
      // A browser that keeps nothing: the form works all the same.
    }
  }

  send() {
    clearTimeout(this.timer);
    this.isToBeSent = false;
    this.component.setStateValue("document", this.plain());
  }

  plain() {
    const steps = this.document.steps.map(({ operator, parameters }) => ({ operator, parameters }));
    return { ...this.document, steps };
  }

  // The steps have become others: the form is built anew, and the focus goes where it belongs.
  restructured(focus) {
    this.data = { ...this.data, faults: [] };
    this.changed();
    this.build();
    this.root.querySelector(focus)?.focus();
    this.send();
  }

  build() {
    const parts = [this.words(), element("h2", "", "Steps, applied in this order")];
    parts.push(fault("steps"));
    if (this.document.steps.length) parts.push(this.levelCount());
    parts.push(...this.document.steps.map((step, index) => this.step(step, index)));
    parts.push(this.adding(), this.ending());
    this.root.replaceChildren(...parts);
  }

  words() {
    const groups = [["", "as its first step"], ...this.data.groups.map((name) => [name, name])];
    const words = element("div", "words");
    words.append(
      this.field("name", "Name", element("input")),
      this.field("id", "Id, in files and results", element("input"), "made of the name"),
      this.field("group", "Group", options(groups)),
      this.field(
        "explanation",
        "Explanation: one sentence on what is done to the image; the language model reads it",
        element("textarea"),
      ),
    );
    words.lastChild.classList.add("wide");
    return words;
  }

  field(name, label, control, placeholder = "") {
    if (control.tagName === "INPUT") control.type = "text";
    control.value = this.document[name] ?? "";
    control.placeholder = placeholder;
    control.dataset.path = name;
    control.oninput = () => {
      this.document[name] = control.value;
      this.typed();
    };
    control.onchange = () => this.isToBeSent && this.send();
    return labelled(label, control, name);
  }

  levelCount() {
    const counts = Array.from({ length: this.data.most }, (_, n) => [String(n + 1), String(n + 1)]);
    const choice = options(counts);
    choice.value = String(this.levels);
    choice.dataset.path = "levels";
    choice.onchange = () => {
      const count = Number(choice.value);
      for (const step of this.document.steps) step.parameters = resampled(step.parameters, count);
      this.restructured('[data-path="levels"]');
    };
    const row = element("div", "row");
    row.append(labelled("Levels", choice, "levels"));
    row.firstChild.classList.add("count");
    row.style.marginBottom = "0.8rem";
    return row;
  }

  step(step, index) {
    const number = index + 1;
    const path = `steps.${number}`;
    const spec = this.data.operators.find(({ id }) => id === step.operator);
    const known = this.data.operators.map(({ id, name }) => [id, name]);
    const choice = options(spec ? known : [[step.operator, step.operator], ...known]);
    choice.value = step.operator;
    choice.dataset.path = `${path}.operator`;
    choice.onchange = () => {
      step.operator = choice.value;
      step.parameters = resampled(this.operator(choice.value).levels, this.levels);
      this.restructured(`[data-path="${path}.operator"]`);
    };
    const operator = labelled(`Step ${number}`, choice, `${path}.operator`);
    operator.classList.add("operator");
    const head = element("div", "head");
    head.append(
      operator,
      this.button("↑", `Move step ${number} up`, index > 0, () => this.move(index, -1)),
      this.button("↓", `Move step ${number} down`, number < this.document.steps.length, () =>
        this.move(index, 1),
      ),
      this.button("✕", `Remove step ${number}`, true, () => this.remove(index)),
    );
    const levels = element("div", "levels");
    levels.append(...step.parameters.map((_, level) => this.parameter(step, path, level, spec)));
    const whole = element("div", "step");
    whole.setAttribute("role", "group");
    whole.setAttribute("aria-label", `Step ${number}: ${spec ? spec.name : step.operator}`);
    whole.append(head, fault(path), element("p", "unit", spec?.unit ?? "not installed here"));
    whole.append(levels, fault(`${path}.parameters`));
    return whole;
  }

  parameter(step, path, level, spec) {
    const here = `${path}.parameters.${level + 1}`;
    const number = element("input");
    number.type = "text";
    number.inputMode = "decimal";
    number.value = String(step.parameters[level]);
    number.dataset.path = here;
    number.setAttribute("aria-label", `Level ${level + 1} of step ${path.slice(6)}`);
    number.setAttribute("aria-describedby", `fault-${path}.parameters`); // of all its levels
    const whole = labelled(`Level ${level + 1}`, number, "");
    number.id = `field-${here}`;
    whole.firstChild.htmlFor = number.id;
    if (!spec) return whole;
    const slider = element("input");
    slider.type = "range";
    Object.assign(slider, { min: spec.low, max: spec.high, step: "any" });
    slider.value = number.value;
    slider.setAttribute("aria-label", `Level ${level + 1} of step ${path.slice(6)}, slider`);
    slider.onkeydown = (event) => this.nudge(event, slider, spec);
    const set = (value) => {
      step.parameters[level] = value;
      this.typed();
    };
    number.oninput = () => {
      const value = numberOf(number.value);
      if (typeof value === "number") slider.value = value;
      set(value);
    };
    slider.oninput = () => {
      const value = rounded(Number(slider.value), spec);
      number.value = String(value);
      set(value);
    };
    whole.append(slider);
    return whole;
  }

  // "any" leaves arrow keys without a step of their own.
  nudge(event, slider, spec) {
    const sign = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (!sign) return;
    event.preventDefault();
    slider.value = Number(slider.value) + (sign * (spec.high - spec.low)) / 50;
    slider.oninput();
  }

  adding() {
    const choice = options(this.data.operators.map(({ id, name }) => [id, name]));
    const add = this.button("Add the step", "Add the step", true, () => {
      const { id, levels } = this.operator(choice.value);
      const parameters = resampled(levels, this.levels || levels.length);
      this.document.steps.push({ operator: id, parameters, key: this.next++ });
      const path = `steps.${this.document.steps.length}.operator`;
      this.restructured(`[data-path="${path}"]`);
    });
    const whole = labelled("Operator of a further step", choice, "");
    whole.classList.add("grow");
    const row = element("div", "row");
    row.append(whole, add);
    return row;
  }

  ending() {
    const add = this.button(this.data.action, this.data.action, true, () => {
      this.send();
      this.component.setTriggerValue("add", this.plain());
    });
    add.classList.add("main", "add");
    const discard = this.button("Discard", "Discard what is typed here", true, () => {
      this.take(this.data.document);
      this.restructured('[data-path="name"]');
      localStorage.removeItem(this.data.store);
      this.isTouched = Boolean(this.data.document.name);
    });
    const summary = element("span", "summary");
    summary.setAttribute("role", "status");
    const row = element("div", "row end");
    row.append(add, discard, summary);
    return row;
  }

  move(index, by) {
    const [step] = this.document.steps.splice(index, 1);
    this.document.steps.splice(index + by, 0, step);
    const way = by < 0 ? "up" : "down";
    const here = `[aria-label="Move step ${index + by + 1} ${way}"]:enabled`;
    this.restructured(`${here}, [data-path="steps.${index + by + 1}.operator"]`);
  }

  remove(index) {
    this.document.steps.splice(index, 1);
    const left = this.document.steps.length;
    this.restructured(left ? `[aria-label="Remove step ${Math.min(index + 1, left)}"]` : ".add");
  }

  operator(id) {
    return this.data.operators.find((operator) => operator.id === id);
  }

  button(words, label, isEnabled, act) {
    const button = element("button", "", words);
    button.type = "button";
    button.disabled = !isEnabled;
    if (label !== words) {
      button.setAttribute("aria-label", label);
      button.title = label;
    }
    button.onclick = act;
    return button;
  }

  // A fault stands below the innermost thing that its path names.
  showFaults() {
    const faults = this.isTouched ? this.data.faults : [];
    for (const place of this.root.querySelectorAll(".fault")) place.textContent = "";
    for (const control of this.root.querySelectorAll("[aria-invalid]")) {
      control.removeAttribute("aria-invalid");
    }
    for (const [path, words] of faults) {
      let where = path;
      while (where && !this.root.querySelector(`.fault[data-of="${CSS.escape(where)}"]`)) {
        where = where.slice(0, Math.max(0, where.lastIndexOf(".")));
      }
      const place = this.root.querySelector(`.fault[data-of="${CSS.escape(where || "steps")}"]`);
      const level = /\.parameters\.(\d+)$/.exec(path);
      const said = level ? `Level ${level[1]}: ${words}` : words;
      place.textContent = [place.textContent, said].filter(Boolean).join("; ");
      this.root
        .querySelector(`[data-path="${CSS.escape(path)}"], [data-path="${CSS.escape(where)}"]`)
        ?.setAttribute("aria-invalid", "true");
    }
    this.root.querySelector(".add").disabled = this.data.faults.length > 0;
    const count = faults.length === 1 ? "1 fault to mend" : `${faults.length} faults to mend`;
    const kept = this.isTouched ? "Kept in this browser until you add or discard it." : "";
    const summary = this.root.querySelector(".summary");
    const text = faults.length ? `${count}. ${kept}` : kept;
    if (summary.textContent !== text) summary.textContent = text;
  }
}

function labelled(label, control, path) {
  const whole = element("div");
  const words = element("label", "", label);
  control.id = `field-${path || label}`;
  words.htmlFor = control.id;
  whole.append(words, control);
  if (path) {
    const below = fault(path);
    control.setAttribute("aria-describedby", below.id);
    whole.append(below);
  }
  return whole;
}

function fault(path) {
  const place = element("p", "fault");
  place.dataset.of = path;
  place.id = `fault-${path}`;
  return place;
}

function options(pairs) {
  const choice = element("select");
  for (const [value, words] of pairs) {
    const option = element("option", "", words);
    option.value = value;
    choice.append(option);
  }
  return choice;
}

// As many values as there are levels, between the first and the last as they were.
function resampled(values, count) {
  return Array.from({ length: count }, (_, n) => {
    const place = count > 1 ? (n * (values.length - 1)) / (count - 1) : values.length - 1;
    const [low, high] = [values[Math.floor(place)], values[Math.ceil(place)]];
    if (typeof low !== "number" || typeof high !== "number") return low;
    return Number((low + (place % 1) * (high - low)).toPrecision(4));
  });
}

function rounded(value, spec) {
  const step = (spec.high - spec.low) / 200;
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  return Number(value.toFixed(Math.min(digits, 8)));
}

// A number, or what is none as it was typed: Python says what is wrong with it.
function numberOf(text) {
  const plain = text.trim().replace("−", "-");
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : text;
}

function element(tag, style = "", text = "") {
  const made = document.createElement(tag);
  if (style) made.className = style;
  if (text) made.textContent = text;
  return made;
}
