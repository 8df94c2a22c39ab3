"use strict";
// The filter of the page, and nothing else: without it every claim is there all the same.
// finding:refuted topic:attention -device:cuda "low rank": all conditions have to hold; words are looked for in a claim's whole text.
{
  const form = document.querySelector(".filter");
  const field = form.querySelector("input");
  const count = form.querySelector("output");
  const nothing = form.querySelector("strong");
  const suggestions = form.querySelector("datalist");
  const elsewhere = [...document.querySelectorAll(".languages a")].map((link) => [link, link.getAttribute("href")]);
  const claims = [...document.querySelectorAll("details.claim")].map((claim) => ({
    claim,
    facets: new Set((claim.dataset.is + " " + claim.closest(".post").dataset.is).toLowerCase().split(" ")),
    text: "",
  }));

  const known = new Set(claims.flatMap((entry) => [...entry.facets]));

  function textOf(entry) {
    entry.text ||= (entry.claim.textContent + entry.claim.closest(".post").querySelector("h3").textContent).toLowerCase();
    return entry.text;
  }

  function matches(entry, word) {
    const excluded = word.length > 1 && word.startsWith("-");
    const wanted = (excluded ? word.slice(1) : word).replaceAll('"', "");
    const isFacet = /^(finding|statement|outcome|topic|post|device|arithmetic):/.test(wanted);
    if (wanted === "" || (isFacet && wanted.endsWith(":"))) return true; // not typed yet
    return excluded !== (isFacet ? hasFacet(entry, wanted.replaceAll(" ", "-")) : textOf(entry).includes(wanted));
  }

  // finding:holds is not finding:holds-in-scope, but finding:ref is on its way to finding:refuted.
  function hasFacet(entry, facet) {
    return known.has(facet) ? entry.facets.has(facet) : [...entry.facets].some((other) => other.startsWith(facet));
  }

  // What may stand in the place of the last word.
  function suggest() {
    const before = field.value.match(/^(.* )?-?/)[0];
    const quoted = before.split('"').length % 2 === 0;
    suggestions.replaceChildren(...(quoted ? [] : [...known].sort().map((facet) => new Option(before + facet))));
  }

  function apply() {
    const words = field.value.toLowerCase().match(/-?(\w+:)?"[^"]*"?|\S+/g) ?? [];
    let shown = 0;
    for (const entry of claims) {
      entry.claim.hidden = !words.every((word) => matches(entry, word));
      shown += !entry.claim.hidden;
    }
    for (const section of document.querySelectorAll("section.post, section.topic")) {
      section.hidden = words.length > 0 && !section.querySelector("details.claim:not([hidden])");
    }
    count.value = words.length ? `${shown} / ${claims.length}` : "";
    nothing.hidden = shown > 0 || claims.length === 0;
  }

  // The address says what is shown, also in the links to the other language. What is not shown is no place to be at.
  function mirror() {
    const query = field.value.trim();
    const search = query ? "?q=" + encodeURIComponent(query).replaceAll("%3A", ":").replaceAll("%20", "+") : "";
    const hash = document.getElementById(location.hash.slice(1))?.closest("[hidden]") ? "" : location.hash;
    if (search + hash !== location.search + location.hash) history.replaceState(null, "", location.pathname + search + hash);
    lead();
  }

  function lead() {
    for (const [link, href] of elsewhere) link.setAttribute("href", href + location.search + location.hash);
  }

  function read() {
    field.value = new URLSearchParams(location.search).get("q") ?? "";
    apply();
    lead();
  }

  // A link to something that the filter hides ends the filter; a link to a claim opens it, also where a browser does not by itself.
  function open() {
    const target = document.getElementById(location.hash.slice(1));
    if (target?.closest("[hidden]")) {
      field.value = "";
      apply();
      target.scrollIntoView();
    }
    const claim = target?.closest("details.claim");
    if (claim) {
      claim.open = true;
      claim.scrollIntoView();
    }
    mirror();
  }

  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  field.addEventListener("input", () => {
    apply();
    mirror();
    suggest();
  });
  field.addEventListener("focus", suggest);
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      field.focus();
    } else if (event.key === "Escape" && event.target === field) {
      field.value = "";
      apply();
      mirror();
    }
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="?q="]');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    history.pushState(null, "", link.getAttribute("href"));
    read();
    form.scrollIntoView();
  });
  window.addEventListener("popstate", read);
  window.addEventListener("hashchange", open);
  window.addEventListener("load", () => { // after the browser has gone to the place by itself
    if (location.hash) open();
    else if (field.value) form.scrollIntoView();
  });
  read();
}
