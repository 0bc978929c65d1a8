// Keeps a page fresh: fetches it every few seconds and replaces <main>, unless somebody is in the midst of something.
"use strict";

(() => {
  const EVERY_MS = 3000;
  const KEY = "crossdock-live";
  const main = document.getElementById("main");
  const address = main && main.dataset.fresh;

  // "Replayed" was said; loading the page again should not say it again.
  const here = new URL(location.href);
  if (here.searchParams.has("told")) {
    here.searchParams.delete("told");
    history.replaceState(null, "", here);
  }
  if (!address) return;

  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "plain live";
  document.getElementById("tools").prepend(button);
  let last = main.innerHTML;
  let reachable = true;

  function remembered() {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // storage is switched off
    }
  }

  let chosen = remembered();
  const on = () => (chosen === null ? !still.matches : chosen === "on");

  function show() {
    const state = on() ? (reachable ? "on" : "no answer") : "off";
    button.textContent = "Live: " + state;
    button.dataset.state = state;
    button.setAttribute("aria-pressed", String(on()));
    button.title = on() ? "This page follows by itself. Press to hold it still." : "Press to let this page follow by itself.";
  }

  const changed = (field) =>
    field.tagName === "SELECT"
      ? [...field.options].some((option, at) =>
          option.selected !== (option.defaultSelected || (!field.querySelector("[selected]") && at === 0)))
      : field.value !== field.defaultValue;

  function busy() {
    const focus = document.activeElement;
    return (
      (main.contains(focus) && focus.matches("input, select, textarea, button, summary, pre, [role=group]")) ||
      main.querySelector("details[open]") !== null ||
      String(getSelection()) !== "" ||
      [...main.querySelectorAll("input:not([type=hidden]), select, textarea")].some(changed)
    );
  }

  function replace(page) {
    const fresh = page.getElementById("main").innerHTML;
    if (fresh === last) return;
    const link = main.contains(document.activeElement) && document.activeElement.getAttribute("href");
    main.innerHTML = last = fresh;
    document.title = page.title;
    if (link) {
      const again = main.querySelector(`a[href="${CSS.escape(link)}"]`);
      if (again) again.focus({ preventScroll: true });
    }
  }

  async function look() {
    if (!on() || document.hidden || busy()) return;
    try {
      const answer = await fetch(address, { headers: { Accept: "text/html" }, cache: "no-store" });
      if (answer.redirected) location.assign(answer.url); // the session is over
      reachable = answer.ok;
      if (!answer.ok || answer.redirected) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (on() && !busy()) replace(page);
    } catch {
      reachable = false;
    } finally {
      show();
    }
  }

  function again() {
    setTimeout(() => look().finally(again), EVERY_MS);
  }

  button.addEventListener("click", () => {
    chosen = on() ? "off" : "on";
    try {
      localStorage.setItem(KEY, chosen);
    } catch {
      // it holds for this page
    }
    show();
    look();
  });
  document.addEventListener("visibilitychange", look);
  still.addEventListener("change", show);
  show();
  again();
})();
