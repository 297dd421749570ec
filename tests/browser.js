// As much of a browser as the gateway's pages need: a document without layout, requests that the test carries, clocks that it turns.
"use strict";
class Element {
  constructor(tag) {
    Object.assign(this, { tag, dataset: {}, className: "", textContent: "", value: "", hidden: false, disabled: false, children: [], heard: {}, parentElement: null });
  }
  append(...added) { for (const one of added.filter((one) => one instanceof Element)) { this.children.push(one); one.parentElement = this; } }
  replaceChildren(...added) { this.children = []; this.append(...added); }
  get firstElementChild() { return this.children[0] || null; }
  add(option) { this.append(option); if (!this.value) this.value = option.value; }
  remove() { this.parentElement.children = this.parentElement.children.filter((one) => one !== this); }
  focus() {}
  requestSubmit() { this.dispatchEvent({ type: "submit", preventDefault() {} }); }
  closest(selector) { return selector === "[data-cordboard]" && this.dataset.cordboard ? this : null; }
  querySelector(tag) { return this.children.find((one) => one.tag === tag) || null; }
  querySelectorAll(name) { return this.children.filter((one) => `.${one.className}` === name); }
  addEventListener(type, listener) { (this.heard[type] ||= []).push(listener); }
  dispatchEvent(event) {
    event.target ||= this;
    for (const listener of this.heard[event.type] || []) listener(event);
    if (event.bubbles && this !== document) document.dispatchEvent(event);
  }
}
const document = new Element("document");
const named = {}, buttons = [], outgoing = [], answers = {}, sockets = [], timers = [];
const kept = {};
Object.assign(document, {
  documentElement: { lang: "" }, visibilityState: "visible", currentScript: { dataset: {}, src: "" },
  getElementById: (id) => named[id] || null,
  querySelectorAll: (selector) => selector === "[data-cordboard]" ? buttons : [],
  createElement: (tag) => new Element(tag),
});
const navigator = { language: "en" }, location = { origin: "", search: "", reload() {} }, performance = { now: () => 0 };
const sessionStorage = { getItem: (key) => kept[key] ?? null, setItem: (key, text) => { kept[key] = text; }, removeItem: (key) => { delete kept[key]; } };
const crypto = { getRandomValues: (bytes) => bytes.map(() => Math.floor(Math.random() * 256)) };
const setTimeout = (run, _ms, ...given) => timers.push({ run: () => run(...given), again: false });
const setInterval = (run) => timers.push({ run, again: true });
const clearTimeout = () => {};
let late = 0;
const now = Date.now;
Date.now = () => now() + late;
class CustomEvent { constructor(type, { bubbles, detail }) { Object.assign(this, { type, bubbles, detail }); } }
class FormData {
  constructor(form) { this.given = form.given; }
  get(name) { return this.given[name] ?? null; }
}
class Option extends Element { constructor(text, value) { super("option"); Object.assign(this, { textContent: text, value }); } }
class URLSearchParams {
  constructor(text) { this.pairs = text.replace("?", "").split("&").map((pair) => pair.split("=").map(decodeURIComponent)); }
  get(key) { const found = this.pairs.find((pair) => pair[0] === key); return found ? found[1] : null; }
}
class WebSocket {
  constructor() { this.readyState = 0; sockets.push(this); }
  send(text) { outgoing.push({ frame: text }); }
  close() { this.readyState = 3; }
}
WebSocket.OPEN = 1;
function fetch(url, { method, headers, body } = {}) {
  const id = Object.keys(answers).length;
  outgoing.push({ id, url, method: method || "GET", headers: headers || {}, body: typeof body === "string" ? body : body ? body.text : "" });
  return new Promise((resolve) => { answers[id] = resolve; });
}
// What the test calls.
function answer(id, status, body) { answers[id]({ status, ok: status < 300, json: async () => JSON.parse(body) }); }
function taken() { return JSON.stringify(outgoing.splice(0)); }
function pass() { for (const timer of timers.splice(0)) { if (timer.again) timers.push(timer); timer.run(); } }
function button(name, label, words) {
  const made = new Element("button");
  Object.assign(made.dataset, { cordboard: name }, words);
  made.textContent = label;
  buttons.push(made);
}
function click(at) { document.dispatchEvent({ type: "click", target: buttons[at] }); }
