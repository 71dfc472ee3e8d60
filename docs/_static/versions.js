// Offers the other versions of the site, as versions.json in the folder above says. Where there is none (a build on
// one's own machine), nothing is shown. Nothing else is ever fetched.
(() => {
  "use strict";
  const place = document.querySelector(".version-switch");
  if (!place || !location.protocol.startsWith("http")) return;
  const root = new URL(document.documentElement.dataset.content_root || "./", location.href);
  const site = new URL("../", root);
  const page = location.href.slice(root.href.length);
  const here = root.pathname.slice(site.pathname.length).replace(/\/$/, "");

  function offer(versions) {
    if (!Array.isArray(versions) || !versions.some((one) => one.version === here)) return;
    const select = place.querySelector("select");
    for (const { version, title } of versions) {
      select.add(new Option(title, version, version === here, version === here));
    }
    select.addEventListener("change", async () => {
      const other = new URL(`${select.value}/`, site);
      const same = new URL(page, other);
      const found = await fetch(same, { method: "HEAD" }).then((answer) => answer.ok, () => false);
      location.assign(found ? same : other);
    });
    place.hidden = false;
  }

  fetch(new URL("versions.json", site))
    .then((answer) => (answer.ok ? answer.json() : []))
    .then(offer, () => {});
})();
