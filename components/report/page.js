"use strict";
// The page is complete without this script; it adds two comforts to the gallery.
(() => {
  const gallery = document.querySelector(".gallery");
  if (!gallery) return;
  const range = document.getElementById("strength");
  range.parentElement.hidden = false;
  range.addEventListener("input", () => gallery.style.setProperty("--strength", range.value / 100));

  // Holding a photo down shows it without its overlay.
  const release = () => gallery.querySelectorAll(".peek").forEach((one) => one.classList.remove("peek"));
  gallery.addEventListener("pointerdown", (event) => {
    const stack = event.target.closest(".stack");
    if (stack && event.button === 0) stack.classList.add("peek");
  });
  ["pointerup", "pointercancel", "pointerleave"].forEach((kind) => gallery.addEventListener(kind, release));
  gallery.querySelectorAll("img").forEach((image) => { image.draggable = false; });
})();
