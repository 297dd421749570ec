// Says on a site's contact buttons how their entry points stand. Buttons are relabelled, never hidden or disabled.
//
//   <script src="https://contact.example.com/availability.js" defer></script>
//   <button data-cordboard="widget" data-open="Chat with us" data-busy="Chat (busy, about {wait})"
//           data-listen-only="Leave a message" data-closed="Chat is closed">Chat with us</button>
//
// Every label is optional; {wait} is the expected wait in words, {until} when it opens again, {referral} where to go meanwhile. `data-state` holds the state, for styles. A click on an open entry
// point asks for a ticket; then the button gets the event `cordboard:enter` with detail {entry_point, ticket, holds_ms, state, referral, until_ms, next_steps}: open the
// chat there, and start it with `entry_point` and `ticket`. Without a ticket (`ticket` is null) the customer has no promise of a place.
(() => {
  "use strict";
  const source = document.currentScript;
  const base = source.dataset.gateway || source.src.replace(/\/availability\.js(\?.*)?$/, "");
  const EVERY_MS = 15000;
  const WORDS = {
    en: { open: "Chat with us", busy: "Busy: about {wait}", busy_unknown: "Busy at the moment", listen_only: "Leave a message", closed: "Closed now", closed_until: "Closed until {until}", call: "Call us", referral: "try {referral}",
      answer: "Write to us: answer in about {wait}", answer_now: "Write to us: answered at once", answer_unknown: "Write to us",
      at_once: "no wait", min: "{n} min", h: "{n} h", d: "{n} days" },
    nl: { open: "Chat met ons", busy: "Druk: ongeveer {wait}", busy_unknown: "Druk op dit moment", listen_only: "Laat een bericht achter", closed: "Nu gesloten", closed_until: "Gesloten tot {until}", call: "Bel ons", referral: "probeer {referral}",
      answer: "Schrijf ons: antwoord binnen ongeveer {wait}", answer_now: "Schrijf ons: meteen antwoord", answer_unknown: "Schrijf ons",
      at_once: "geen wachttijd", min: "{n} min", h: "{n} uur", d: "{n} dagen" },
    fr: { open: "Discuter avec nous", busy: "Occupé : environ {wait}", busy_unknown: "Occupé pour le moment", listen_only: "Laisser un message", closed: "Fermé maintenant", closed_until: "Fermé jusqu'à {until}", call: "Appelez-nous", referral: "essayez {referral}",
      answer: "Écrivez-nous : réponse sous {wait} environ", answer_now: "Écrivez-nous : réponse immédiate", answer_unknown: "Écrivez-nous",
      at_once: "sans attente", min: "{n} min", h: "{n} h", d: "{n} jours" },
    de: { open: "Mit uns chatten", busy: "Besetzt: etwa {wait}", busy_unknown: "Im Moment besetzt", listen_only: "Nachricht hinterlassen", closed: "Jetzt geschlossen", closed_until: "Geschlossen bis {until}", call: "Rufen Sie uns an", referral: "versuchen Sie {referral}",
      answer: "Schreiben Sie uns: Antwort in etwa {wait}", answer_now: "Schreiben Sie uns: sofort Antwort", answer_unknown: "Schreiben Sie uns",
      at_once: "keine Wartezeit", min: "{n} Min.", h: "{n} Std.", d: "{n} Tage" },
  };
  const wanted = (document.documentElement.lang || navigator.language || "en").slice(0, 2).toLowerCase();
  const language = wanted in WORDS ? wanted : "en", words = WORDS[language];
  const buttons = () => document.querySelectorAll("[data-cordboard]");

  function spoken(ms) {
    if (!ms) return words.at_once;
    const minutes = Math.ceil(ms / 60000);
    if (minutes < 90) return words.min.replace("{n}", minutes);
    if (minutes < 2880) return words.h.replace("{n}", Math.ceil(minutes / 30) / 2);
    return words.d.replace("{n}", Math.ceil(minutes / 1440));
  }

  // Where nobody waits at the other end the wait is until the answer, and what is written is taken unless it is closed.
  function usual(door, known) {
    if (door.asynchronous && door.state !== "closed") return known ? words[door.expected_wait_ms ? "answer" : "answer_now"] : words.answer_unknown;
    const label = door.state === "busy" && !known ? words.busy_unknown
      : door.state === "open" && door.channel === "voice" ? words.call
      : door.state === "closed" && until(door) ? words.closed_until : words[door.state];
    return door.state !== "open" && door.referral ? label + " – " + words.referral : label;
  }

  // Where to go meanwhile: the mail address, the label of form or entry point, or else its name.
  function elsewhere(door) {
    const labels = door.referral_labels || {};
    return door.referral_address || labels[language] || Object.values(labels)[0] || (door.referral || "").replaceAll(/[_.-]/g, " ");
  }

  // When it opens again by its hours, on the clock of whoever looks; empty if nobody knows, or that is over.
  function until(door) {
    if (!(door.until_ms > Date.now())) return "";
    const at = new Date(door.until_ms), pad = (number) => String(number).padStart(2, "0");
    const day = at.toDateString() === new Date().toDateString() ? "" : at.toLocaleDateString(language, { weekday: "long" }) + " ";
    return day + pad(at.getHours()) + ":" + pad(at.getMinutes());
  }

  function relabel(button, door) {
    const known = door.expected_wait_ms !== undefined;
    const own = { open: "open", busy: "busy", listen_only: "listenOnly", closed: "closed" }[door.state];
    if (own === undefined) return;   // nothing is known yet: the page's own label stays
    const facts = { wait: known ? spoken(door.expected_wait_ms) : "", until: until(door), referral: elsewhere(door) };
    const says = (text) => text && Object.entries(facts).every(([name, fact]) => fact || !text.includes("{" + name + "}"));
    const written = button.dataset[own];   // what it says must be known
    const label = (says(written) ? written : usual(door, known)).replace(/\{(wait|until|referral)\}/g, (_, name) => facts[name]);
    if (button.textContent !== label) button.textContent = label;
    button.dataset.state = door.state;
  }

  async function look() {
    const names = new Set([...buttons()].map((button) => button.dataset.cordboard));
    for (const name of names) {
      try {
        const answer = await fetch(`${base}/availability/${encodeURIComponent(name)}`);
        if (!answer.ok) continue;
        const door = await answer.json();
        for (const button of buttons()) if (button.dataset.cordboard === name) relabel(button, door);
      } catch { /* the gateway is away: labels stay as they are */ }
    }
  }

  async function enter(button) {
    const detail = { entry_point: button.dataset.cordboard, ticket: null, holds_ms: 0, state: "unknown", referral: null, until_ms: null, next_steps: [] };
    try {
      const answer = await fetch(`${base}/availability/${encodeURIComponent(detail.entry_point)}/ticket`, { method: "POST" });
      const said = await answer.json();
      if (answer.status === 201) Object.assign(detail, { ticket: said.ticket, holds_ms: said.holds_ms, state: "open" });
      else if (answer.status === 409) {
        Object.assign(detail, { state: said.state, referral: said.referral || null, until_ms: said.until_ms || null, next_steps: said.next_steps || [] });
        relabel(button, said);
      }
    } catch { /* without a ticket, then */ }
    button.dispatchEvent(new CustomEvent("cordboard:enter", { bubbles: true, detail }));
  }

  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-cordboard]") : null;
    if (button && button.dataset.cordboardTicket !== "off") enter(button);
  });
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") look(); });
  setInterval(() => { if (document.visibilityState === "visible") look(); }, EVERY_MS);
  look();
})();
