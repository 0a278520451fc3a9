// The page is complete without this script; it adds comforts to its links and its gallery.
(() => {
  // Kubeflow shows the page in a frame without an address of its own, where a link to an anchor would leave the page.
  document.querySelectorAll("nav a").forEach((link) => link.addEventListener("click", (event) => {
    event.preventDefault();
    const heading = document.getElementById(link.hash.slice(1));
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
    heading.scrollIntoView();
  }));

  const gallery = document.querySelector(".gallery");
  if (!gallery) return;
  gallery.querySelectorAll("[hidden]").forEach((one) => { one.hidden = false; });
  gallery.querySelectorAll("img").forEach((image) => { image.draggable = false; });
  const strength = document.getElementById("strength");
  strength.addEventListener("input", () => gallery.style.setProperty("--strength", strength.value / 100));

  const layers = [...gallery.querySelectorAll("input[name=layer]")];
  const cuts = [...gallery.querySelectorAll(".cut")];
  const enlarge = (figure, large = !figure.classList.contains("large")) => {
    figure.classList.toggle("large", large);
    figure.querySelector(".enlarge").setAttribute("aria-pressed", large);
    figure.scrollIntoView({ block: "nearest" });
  };
  const go = (cut, places) => {
    const next = cuts[cuts.indexOf(cut) + places];
    if (next) next.focus();
  };
  cuts.forEach((cut) => {
    const figure = cut.closest("figure");
    const show = () => cut.parentElement.style.setProperty("--cut", `${cut.value}%`);
    cut.value = 100; // Firefox remembers another one when the page is loaded again.
    cut.addEventListener("input", show);
    cut.addEventListener("keydown", (event) => {
      const actions = { ArrowDown: () => go(cut, 1), ArrowUp: () => go(cut, -1), Enter: () => enlarge(figure) };
      const action = actions[event.key];
      if (!action) return;
      event.preventDefault();
      action();
    });
    figure.querySelector(".enlarge").addEventListener("click", () => enlarge(figure));
  });
  gallery.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const layer = layers[Number(event.key) - 1];
    if (layer) layer.checked = true;
    if (event.key === "Escape") gallery.querySelectorAll(".large").forEach((one) => enlarge(one, false));
  });
})();
