// The table is complete without this script; it adds the comparison of two runs.
(() => {
  const table = document.getElementById("run-table");
  if (!table) return;
  const { runs, names, photos } = JSON.parse(document.getElementById("comparison").textContent);
  const PHOTOS_SHOWN = 15;

  table.tHead.rows[0].cells[1].setAttribute("aria-sort", "descending");

  // Comparison.
  const make = (tag, text, kind) => {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    if (kind) made.className = kind;
    return made;
  };
  const isolated = (tag, text, kind) => {
    const made = make(tag, undefined, kind);
    made.append(make("bdi", text));
    return made;
  };
  const linked = (run) => {
    if (!run.page) return run.started;
    const made = make("a", run.started);
    made.setAttribute("href", run.page);
    return made;
  };
  const score = (value) => (value === null || value === undefined ? "–" : value.toFixed(3));
  const changeCell = (before, now) => {
    const cell = make("td", undefined, "num");
    if (typeof before !== "number" || typeof now !== "number") {
      cell.textContent = "–";
      return cell;
    }
    const difference = Math.round(1000 * (now - before)) / 1000;
    if (!difference) {
      cell.append(make("span", "±0.000", "same"));
      return cell;
    }
    const better = difference > 0;
    const told = make("span", undefined, better ? "better" : "worse");
    const arrow = make("span", better ? "▲" : "▼");
    arrow.setAttribute("aria-hidden", "true");
    told.append(arrow, ` ${better ? "+" : "−"}${Math.abs(difference).toFixed(3)}`);
    cell.append(told);
    return cell;
  };
  const titled = (heading, ...parts) => {
    const block = make("div");
    block.append(make("h3", heading), ...parts);
    return block;
  };
  const grid = (label, headings, rows) => {
    const made = make("table");
    const head = made.createTHead().insertRow();
    headings.forEach((one, index) => {
      const cell = make("th", one, index ? "num" : "");
      cell.scope = "col";
      head.append(cell);
    });
    made.createTBody().append(...rows);
    const region = make("div", undefined, "scroll");
    region.setAttribute("role", "region");
    region.setAttribute("aria-label", label);
    region.tabIndex = 0;
    region.append(made);
    return region;
  };
  const row = (label, ...cells) => {
    const made = make("tr");
    const head = isolated("th", label);
    head.scope = "row";
    made.append(head, ...cells);
    return made;
  };
  const scoreRow = (label, before, now) =>
    row(label, make("td", score(before), "num"), make("td", score(now), "num"), changeCell(before, now));
  const scoreTable = (heading, before, now) => {
    const labels = [...new Set([...Object.keys(before), ...Object.keys(now)])];
    if (!labels.length) return [];
    const rows = labels.map((one) => scoreRow(one, before[one], now[one]));
    return [titled(heading, grid(heading, ["", "Before", "After", "Change"], rows))];
  };
  const settingsTable = (before, now) => {
    const labels = [...new Set([...Object.keys(before), ...Object.keys(now)])].filter((one) => before[one] !== now[one]);
    const rows = labels.map((one) =>
      row(one, isolated("td", before[one] ?? "–", "text num"), isolated("td", now[one] ?? "–", "text num")));
    const told = rows.length ? grid("Settings", ["", "Before", "After"], rows) : make("p", "All alike.", "note");
    return titled("Settings that differ", told);
  };
  const photoScores = (place) => {
    const found = new Map();
    const flat = photos[place] ?? [];
    for (let index = 0; index < flat.length; index += 2) {
      if (flat[index + 1] !== null) found.set(flat[index], flat[index + 1] / 1000);
    }
    return found;
  };
  const photoTables = (before, now) => {
    const heading = "Photos whose IoU changed most";
    if (runs[before].data !== runs[now].data) {
      return [titled(heading, make("p", "The runs used different folders of data.", "note"))];
    }
    const first = photoScores(before);
    const both = [...photoScores(now)].filter(([place]) => first.has(place))
      .map(([place, value]) => [place, first.get(place), value]);
    if (!both.length) {
      return [titled(heading, make("p", "No scores of photos that both runs evaluated are kept.", "note"))];
    }
    const table = (words, changed) => {
      const told = `${changed.length} of ${both.length} photos; mean IoU of the foreground classes.`;
      const rows = changed.slice(0, PHOTOS_SHOWN).map(([place, a, b]) => scoreRow(names[place], a, b));
      const shown = rows.length ? [grid(words, ["", "Before", "After", "Change"], rows)] : [];
      return titled(words, make("p", told, "note"), ...shown);
    };
    const sorted = both.sort((a, b) => a[2] - a[1] - (b[2] - b[1]));
    return [
      table("Photos that lost most", sorted.filter(([, a, b]) => b < a)),
      table("Photos that gained most", sorted.filter(([, a, b]) => b > a).reverse()),
    ];
  };

  const boxes = [...table.querySelectorAll("input[type=checkbox]")].filter((box) => runs[Number(box.value)]);
  const place = document.getElementById("compared");
  const asked = place.firstElementChild;
  const status = document.getElementById("compare-status");
  let chosen = [];
  const show = () => {
    boxes.forEach((box) => {
      box.checked = chosen.includes(box);
      box.closest("tr").classList.toggle("chosen", box.checked);
    });
    status.textContent = "";
    if (chosen.length < 2) {
      place.replaceChildren(asked);
      return;
    }
    // Newest runs come first in the data: the higher place is the earlier run.
    const [now, before] = chosen.map((box) => Number(box.value)).sort((a, b) => a - b);
    const [old, young] = [runs[before], runs[now]];
    const told = make("p", "Before: the run of ");
    told.append(linked(old), ". After: the run of ", linked(young), ".");
    status.textContent = told.textContent;
    const parts = [told];
    if (old.data !== young.data || old.fingerprint !== young.fingerprint) {
      parts.push(make("p", "The data is not the same: the scores come from different photos.", "warning"));
    }
    const pair = make("div", undefined, "pair");
    pair.append(
      ...scoreTable("Whole eval split", old.metrics, young.metrics),
      ...scoreTable("IoU by class", old.classes, young.classes),
      ...scoreTable("Mean IoU by slice", old.slices, young.slices),
      settingsTable(old.settings, young.settings),
      ...photoTables(before, now),
    );
    place.replaceChildren(...parts, pair);
  };
  boxes.forEach((box) => box.addEventListener("change", () => {
    chosen = chosen.filter((one) => one !== box);
    // A third choice replaces the first.
    if (box.checked) chosen = [...chosen.slice(-1), box];
    show();
  }));
  // At first the two newest: what the last change brought.
  chosen = boxes.slice(0, 2);
  show();
})();
