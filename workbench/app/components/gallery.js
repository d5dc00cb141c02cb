// Cards under headings. Pictures come later than words: then only they are put in, so that the
// focus stays where it is.

const shown = new WeakMap(); // parent element -> what its cards were made of

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".gallery");
  const made = JSON.stringify(data.cards.map(({ picture, ...words }) => words));
  if (shown.get(parentElement) !== made) {
    root.replaceChildren(...groups(data.cards).map((group) => section(group, data.parameter)));
    shown.set(parentElement, made);
  }
  for (const card of data.cards) {
    const link = root.querySelector(`a[data-id="${CSS.escape(card.id)}"]`);
    fill(link.querySelector(".picture"), card);
    link.onclick = (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      setTriggerValue("open", card.id);
    };
  }
}

function groups(cards) {
  const byName = new Map();
  for (const card of cards) {
    if (!byName.has(card.group)) byName.set(card.group, []);
    byName.get(card.group).push(card);
  }
  return [...byName];
}

function section([name, cards], parameter) {
  const heading = element("h2", "", `${name} `);
  heading.append(element("small", "", String(cards.length)));
  const list = element("ul");
  list.append(...cards.map((card) => item(card, parameter)));
  const whole = element("section");
  whole.append(heading, list);
  return whole;
}

function item(card, parameter) {
  const link = element("a");
  link.dataset.id = card.id;
  link.href = `?${parameter}=${encodeURIComponent(card.id)}`;
  link.append(
    element("span", "picture"),
    element("span", "name", card.name),
    element("span", "note", card.note),
  );
  const one = element("li");
  one.append(link);
  return one;
}

function fill(place, card) {
  const image = place.querySelector("img");
  if (!card.picture) {
    place.textContent = card.instead;
  } else if (!image) {
    const fresh = element("img");
    fresh.alt = "";
    fresh.src = card.picture;
    place.replaceChildren(fresh);
  } else if (image.src !== card.picture) {
    image.src = card.picture;
  }
}

function element(tag, style = "", text = "") {
  const made = document.createElement(tag);
  if (style) made.className = style;
  if (text) made.textContent = text;
  return made;
}
