// Acts on their way to the server, in their order: kept until they are answered, done once. Each
// message has all that wait, so that none is lost when the next takes its place or the page is left.

class Post {
  constructor(model, changed, say, who) {
    this.model = model;
    this.changed = changed;
    this.say = say;
    this.who = who; // asks who one is, and then for the acts again
    this.sentAt = 0;
    this.question = null; // such as what lint says: only the newest matters
  }

  get have() {
    return this.model.epoch === null ? null : [this.model.epoch, this.model.number];
  }

  // Put an act into the queue; it is shown at once as being saved.
  act(act) {
    this.model.outbox.push({ uid: randomName(), ...act });
    for (const id of this.idsOf(act)) this.model.states.set(id, { kind: "saving" });
    this.model.keep();
    this.send();
    this.changed();
  }

  idsOf(act) {
    return act.rows?.map(([id]) => id) ?? (act.id === undefined ? [] : [act.id]);
  }

  // Send all that nobody has answered; what was done already is known by its name.
  send(more = [], have = this.have) {
    if (!this.component) return;
    this.sentAt = Date.now();
    const question = this.question ? [this.question.act] : [];
    this.component.setTriggerValue("act", { acts: [...this.model.outbox, ...question, ...more], have });
  }

  ask(question, take) {
    this.question = { act: { uid: randomName(), ...question }, take };
    this.send();
  }

  // What needs no answer.
  tell(have) {
    this.send([], have);
  }

  toggleDrawer() {
    this.send([{ act: "drawer" }]);
  }

  look() {
    const waits = this.model.outbox.length > 0 || this.question;
    if (waits && Date.now() - this.sentAt > PATIENCE_MS) this.send();
  }

  receive(component, answers) {
    const isFirst = !this.component;
    this.component = component;
    for (const answer of answers) {
      if (this.question?.act.uid === answer.uid) {
        this.question.take(answer);
        this.question = null;
      }
      const at = this.model.outbox.findIndex((act) => act.uid === answer.uid);
      if (at < 0) continue;
      const [act] = this.model.outbox.splice(at, 1);
      this.settle(act, answer);
    }
    this.model.keep();
    if (isFirst && this.model.outbox.length) this.send(); // what an earlier page has left
  }

  settle(act, answer) {
    const { model } = this;
    for (const [id, version] of Object.entries(answer.versions ?? {})) {
      model.states.set(Number(id), { kind: "saved" });
      this.rebase(Number(id), act, version);
    }
    if (act.act === "edit") this.settleEdit(act, answer);
    else if (act.act === "add") this.settleNew(act, answer);
    else {
      for (const id of answer.conflicts ?? []) {
        if (id !== null) model.states.set(id, { kind: "refused", said: answer.said });
      }
      for (const id of this.idsOf(act)) {
        if (model.states.get(id)?.kind !== "saving") continue;
        model.states.set(id, answer.ok ? { kind: "saved" } : { kind: "refused", said: answer.said });
      }
    }
    if (answer.who) this.who(act);
    else if (answer.ask) this.say({ ask: answer.ask, again: { act: act.act, sure: answer.sure } });
    else if (answer.said) this.say({ text: answer.said, bad: !answer.ok, act: act.act });
  }

  // What waits behind an act of one's own builds on what that act made.
  rebase(id, done, version) {
    const read = done.rows?.find(([other]) => other === id)?.[1] ?? done.version;
    for (const act of this.model.outbox) {
      if (act.id === id && act.version === read) act.version = version;
      for (const pair of act.rows ?? []) if (pair[0] === id && pair[1] === read) pair[1] = version;
    }
    const draft = this.model.drafts.get(String(id));
    if (draft && draft.version === read) draft.version = version;
  }

  settleEdit(act, answer) {
    const { model } = this;
    const key = String(act.id);
    const draft = model.drafts.get(key);
    if (answer.ok) {
      if (draft && draft.text === act.phrase) model.drafts.delete(key);
      return;
    }
    const row = model.rows.get(act.id);
    if (!draft) model.drafts.set(key, { text: act.phrase, version: act.version, base: act.base });
    const twins = row && row.phrase === act.phrase; // it was done, and the answer was lost
    if (twins) {
      model.drafts.delete(key);
      model.states.set(act.id, { kind: "saved" });
    } else if (answer.conflicts) {
      const theirs = row ? row.phrase : null;
      model.states.set(act.id, { kind: "conflict", theirs, by: row?.by ?? "" });
    } else model.states.set(act.id, { kind: "refused", said: answer.said });
  }

  settleNew(act, answer) {
    const key = `new ${act.type}`;
    const draft = this.model.drafts.get(key);
    if (answer.ok) {
      if (draft?.text === act.phrase) this.model.drafts.delete(key);
      return;
    }
    if (!draft?.text) this.model.drafts.set(key, { text: act.phrase, base: "" });
    this.model.states.set(key, { kind: "refused", said: answer.said });
  }
}
