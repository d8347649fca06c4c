"use strict";
// Sorts, filters and folds the tables of layers. Without it all rows stand there, in the order of the network.

for (const table of document.querySelectorAll("table.layers")) {
  const body = table.tBodies[0];
  const inOrder = [...body.rows];
  const tools = table.closest("section").querySelector(".tools");
  tools.hidden = false;
  const filter = tools.querySelector("input");

  /** Shows what the filter and the folded modules leave. */
  const show = () => {
    const wanted = filter.value.toLowerCase();
    for (const row of inOrder) {
      const fits = row.textContent.toLowerCase().includes(wanted);
      const folded = row.classList.contains("layer") && body.dataset.sorted === undefined && !wanted && closed.has(row.dataset.module);
      const summary = row.classList.contains("module") && (body.dataset.sorted !== undefined || wanted);
      row.hidden = !fits || folded || Boolean(summary);
    }
  };

  const closed = new Set();
  for (const row of inOrder.filter((one) => one.classList.contains("module"))) {
    const button = document.createElement("button");
    const write = () => {
      const open = !closed.has(row.dataset.module);
      button.textContent = open ? "−" : "+";
      button.setAttribute("aria-expanded", String(open));
      button.setAttribute("aria-label", `${open ? "Fold" : "Unfold"} ${row.dataset.module}`);
    };
    button.type = "button";
    button.addEventListener("click", () => {
      if (!closed.delete(row.dataset.module)) closed.add(row.dataset.module);
      write();
      show();
    });
    write();
    row.cells[0].prepend(button);
  }

  [...table.tHead.rows[0].cells].forEach((head, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    let falling = false;
    button.addEventListener("click", () => {
      falling = !falling;
      const value = (row) => {
        const cell = row.cells[place];
        return cell.dataset.value === undefined ? cell.textContent : Number(cell.dataset.value);
      };
      const compare = (a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0);
      const rows = inOrder.filter((row) => row.classList.contains("layer")).sort(compare);
      if (falling) rows.reverse();
      body.dataset.sorted = String(place);
      body.append(...rows);
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", falling ? "descending" : "ascending");
      show();
    });
  });

  filter.addEventListener("input", show);
  tools.querySelector("button").addEventListener("click", () => {
    delete body.dataset.sorted;
    filter.value = "";
    closed.clear();
    body.append(...inOrder);
    for (const head of table.tHead.rows[0].cells) head.removeAttribute("aria-sort");
    for (const button of body.querySelectorAll("button")) {
      button.textContent = "−";
      button.setAttribute("aria-expanded", "true");
    }
    show();
  });
}
