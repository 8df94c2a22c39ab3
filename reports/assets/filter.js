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

  function textOf(entry) {
    entry.text ||= (entry.claim.textContent + entry.claim.closest(".post").querySelector("h3").textContent).toLowerCase();
    return entry.text;
  }

  function matches(entry, word) {
    const excluded = word.length > 1 && word.startsWith("-");
    const wanted = (excluded ? word.slice(1) : word).replaceAll('"', "");
    const isFacet = /^(finding|statement|outcome|topic|post|device|arithmetic):/.test(wanted);
    return excluded !== (isFacet ? entry.facets.has(wanted.replaceAll(" ", "-")) : textOf(entry).includes(wanted));
  }

  // What may stand in the place of the last word.
  function suggest() {
    const before = field.value.slice(0, field.value.lastIndexOf(" ") + 1);
    const facets = new Set(claims.flatMap((entry) => [...entry.facets]));
    suggestions.replaceChildren(...[...facets].sort().map((facet) => new Option(before + facet)));
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

  // The address says what is shown, also in the links to the other language.
  function mirror() {
    const query = field.value.trim();
    const search = query ? "?q=" + encodeURIComponent(query).replaceAll("%3A", ":").replaceAll("%20", "+") : "";
    for (const [link, href] of elsewhere) link.setAttribute("href", href + search + location.hash);
    if (search !== location.search) history.replaceState(null, "", location.pathname + search + location.hash);
  }

  function read() {
    field.value = new URLSearchParams(location.search).get("q") ?? "";
    apply();
    mirror();
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
    field.value = new URLSearchParams(link.getAttribute("href")).get("q");
    apply();
    mirror();
    form.scrollIntoView();
  });
  window.addEventListener("hashchange", open);
  read();
  if (location.hash) window.addEventListener("load", open); // after the browser has gone to the place by itself
}
