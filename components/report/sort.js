"use strict";
// Tables are complete without this script. A click or the Enter key on a heading sorts by its column; a second one turns
// the order around. What has no value stays last in either order.
(() => {
  const number = (told) => {
    const found = told.replace(/,/g, "").replace("−", "-").match(/[-+]?\d+(\.\d+)?/);
    return found ? Number(found[0]) : "";
  };
  const valueOf = (cell, numeric) => {
    const told = cell.dataset.value;
    if (told === undefined) return numeric ? number(cell.textContent) : cell.textContent.trim();
    return told !== "" && Number.isFinite(Number(told)) ? Number(told) : told;
  };
  const compare = (a, b) =>
    typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));

  const sort = (head) => {
    const heads = [...head.parentElement.cells];
    const body = head.closest("table").tBodies[0];
    const rows = [...body.rows].map((row) => [
      valueOf(row.cells[head.cellIndex], head.classList.contains("num")),
      row,
    ]);
    const before = head.getAttribute("aria-sort");
    const falls = head.dataset.sortable === "down" || rows.some(([value]) => typeof value === "number");
    const down = before ? before === "ascending" : falls;
    heads.forEach((one) => one.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    rows.sort(([a], [b]) => {
      if (a === "" || b === "") return (a === "") - (b === "");
      return down ? compare(b, a) : compare(a, b);
    });
    body.append(...rows.map(([, row]) => row));
  };

  document.querySelectorAll("th[data-sortable]").forEach((head) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => sort(head));
  });
})();
