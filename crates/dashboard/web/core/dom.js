// Elements without markup: text from strangers is only ever text.

const SVG = "http://www.w3.org/2000/svg";
const SVG_TAGS = new Set(["svg", "g", "path", "rect", "circle", "line", "polyline", "polygon", "text", "title", "defs",
  "image"]);

/**
 * Makes an element. `props` are attributes, except: `class` (a string or a list, falsy ones are left out), `on…`
 * (listeners, as in `onclick`), `style` (an object of properties, set one by one because the page's policy forbids style
 * attributes), `dataset`, and properties that are no attributes (`value`, `checked`, `disabled`, `hidden`, `indeterminate`).
 * Children are elements, texts, numbers, lists of these; null, undefined and false are left out.
 */
export function h(tag, props, ...children) {
  const element = SVG_TAGS.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) set(element, name, value);
  append(element, children);
  return element;
}

const PROPERTIES = new Set(["value", "checked", "disabled", "hidden", "indeterminate", "open", "selected", "multiple"]);

/** Sets one attribute, property or listener of an element, as `h` does. */
export function set(element, name, value) {
  if (name === "class") element.setAttribute("class", [value].flat().filter(Boolean).join(" "));
  else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name === "style") for (const [key, one] of Object.entries(value)) element.style.setProperty(key, one);
  else if (name === "dataset") Object.assign(element.dataset, value);
  else if (PROPERTIES.has(name)) element[name] = value;
  else if (value === true) element.setAttribute(name, "");
  else if (value === false || value === null || value === undefined) element.removeAttribute(name);
  else element.setAttribute(name, value);
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
}

/** Replaces everything in `element`. */
export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

/** Writes a text where it differs, so that a live page touches only what has changed. */
export function write(element, text) {
  if (element.textContent !== String(text)) element.textContent = text;
}

/**
 * Fills the elements of `places`, each only when what it shows has changed: whoever reads or selects is not disturbed. Gives
 * `draw(name, of, make)`: the place `name` shows what `make()` gives, anew whenever `of` is another value.
 */
export function drawer(places) {
  const shown = {};
  return (name, of, make) => {
    const text = JSON.stringify(of);
    if (shown[name] === text) return;
    shown[name] = text;
    fill(places[name], make());
  };
}

/**
 * Makes the children of `parent` those of `items`, in their order. What has the same key keeps its element, so that
 * focus, scroll and selection survive: `make(item)` gives a new element, `update(element, item)` changes an old one.
 */
export function keyed(parent, items, { key, make, update }) {
  const old = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  const names = items.map((item) => String(key(item)));
  // What goes, goes first: otherwise all that stays would be moved past it, which costs a layout of everything and the focus.
  const staying = new Set(names);
  for (const [name, child] of old) if (!staying.has(name)) child.remove();
  const focused = parent.contains(document.activeElement) ? document.activeElement : null;
  let place = parent.firstElementChild;
  for (const [index, item] of items.entries()) {
    let element = old.get(names[index]);
    if (element) {
      update?.(element, item);
    } else {
      element = make(item);
      element.dataset.key = names[index];
    }
    if (element === place) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
  }
  if (focused?.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
}
