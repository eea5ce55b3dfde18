// Small named behaviours. Every page works without them; each only saves a reload or a keystroke.

/** `data-live="seconds"` on an element with an id: fetch this same page again and put its newer self in place. */
function live(element) {
  const seconds = Number(element.dataset.live);
  if (!seconds) return;
  setTimeout(async () => {
    const now = document.getElementById(element.id);
    if (!now) return;
    if (document.hidden || now.contains(document.activeElement)) return live(now);
    try {
      const answer = await fetch(location.href, { headers: { "Jingwei-Part": element.id } });
      const fresh = answer.ok && part(await answer.text(), element.id);
      if (fresh) {
        now.replaceWith(fresh);
        start(fresh.parentElement);
        return;
      }
    } catch { /* the server is away: try again */ }
    live(now);
  }, seconds * 1000);
}

/** `data-feed="address"` on a list: put each event the server sends on top. The browser itself resumes after the last id. */
function feed(list) {
  const source = new EventSource(list.dataset.feed);
  const lamp = document.querySelector("[data-lamp]");
  const most = 50;
  const shine = (on) => {
    lamp?.classList.toggle("on", on);
    if (lamp) lamp.textContent = on ? lamp.dataset.on : lamp.dataset.off;
  };
  source.onopen = () => shine(true);
  source.onerror = () => shine(false);
  source.addEventListener("row", (event) => {
    const row = new DOMParser().parseFromString(event.data, "text/html").querySelector("li");
    if (!row || document.getElementById(row.id)) return;
    row.classList.add("fresh");
    list.prepend(row);
    document.querySelector("[data-feed-empty]")?.remove();
    while (list.children.length > most) list.lastElementChild.remove();
  });
  addEventListener("pagehide", () => source.close());
}

/** `data-swap="id"` on a search form: fetch what it would show and swap that part, while one types. */
function swap(form) {
  let waiting = 0;
  let latest = 0;
  const run = async () => {
    const turn = ++latest;
    const address = `${form.getAttribute("action") || location.pathname}?${new URLSearchParams(new FormData(form))}`;
    try {
      const answer = await fetch(address);
      const fresh = answer.ok && part(await answer.text(), form.dataset.swap);
      if (fresh && turn === latest) {
        document.getElementById(form.dataset.swap).replaceWith(fresh);
        history.replaceState(null, "", address);
        start(fresh.parentElement);
      }
    } catch { /* the button still works */ }
  };
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(run, 200);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(waiting);
    run();
  });
}

/** `data-copy="text"` on a button: copy, and say so for a moment. */
function copy(button) {
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    const before = button.textContent;
    button.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = before; }, 1500);
  });
}

/** `data-answered` on an output inside a form: how many of its questions are answered. */
function answered(output) {
  const form = output.closest("form");
  const tell = () => {
    const names = new Set([...form.querySelectorAll("input[type=radio]")].map((input) => input.name));
    const done = [...names].filter((name) => form.querySelector(`input[name="${CSS.escape(name)}"]:checked`));
    output.textContent = output.dataset.answered.replace("{done}", done.length).replace("{all}", names.size);
  };
  form.addEventListener("change", tell);
  tell();
}

/** `data-presence="address"` on a box: while the page is seen and its person moves, give a sign of life now and then. */
function presence(box) {
  const form = box.querySelector("form");
  const state = box.querySelector("[data-presence-state]");
  let moved = Date.now();
  for (const kind of ["pointermove", "keydown", "scroll", "pointerdown"]) {
    addEventListener(kind, () => { moved = Date.now(); }, { passive: true });
  }
  const lose = () => {
    clearInterval(beat);
    box.classList.remove("on");
    state.textContent = box.dataset.lost;
  };
  const beat = setInterval(async () => {
    if (document.hidden || Date.now() - moved > Number(box.dataset.idle) * 1000) return;
    try {
      const answer = await fetch(box.dataset.presence, { method: "POST", body: new FormData(form), headers: { "Jingwei-Sign": "yes" } });
      if (answer.status !== 204) lose();
    } catch { /* the server is away: the next beat tries again, and the gateway counts the silence */ }
  }, Number(box.dataset.every) * 1000);
}

/** `data-print` on a button. */
function print(button) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

/** A menu closes when one presses Escape or goes elsewhere. */
function menu(details) {
  details.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    details.open = false;
    details.querySelector("summary").focus();
  });
  document.addEventListener("click", (event) => {
    if (!details.contains(event.target)) details.open = false;
  });
}

function part(html, id) {
  return new DOMParser().parseFromString(html, "text/html").getElementById(id);
}

/** The place one is at, in a row of places that is wider than a phone: brought into view. */
function seen(link) {
  const row = link.closest("nav");
  if (row.scrollWidth > row.clientWidth) row.scrollLeft = link.offsetLeft - row.clientWidth / 3;
}

const BEHAVIOURS = {
  ".side nav [aria-current]": seen,
  "[data-live]": live, "[data-feed]": feed, "[data-swap]": swap, "[data-copy]": copy,
  "[data-answered]": answered, "[data-presence]": presence, "[data-print]": print, "[data-menu]": menu,
};
const begun = new WeakSet();

function start(root) {
  for (const [selector, behave] of Object.entries(BEHAVIOURS)) {
    for (const element of root.querySelectorAll(selector)) {
      if (!begun.has(element)) {
        begun.add(element);
        behave(element);
      }
    }
  }
}

start(document);
