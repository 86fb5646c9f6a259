"use strict";

/* Theme: that of the system, until the reader switches. */
{
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const show = () => {
    button.textContent = isDark() ? "Light" : "Dark";
    button.setAttribute("aria-label", `Switch to ${isDark() ? "light" : "dark"} colors`);
    document.dispatchEvent(new Event("themechange"));
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    show();
  });
  system.addEventListener("change", show);
  show();
}

/* Tables: selecting a heading sorts its column; selecting it again reverses the order. */
{
  const compareText = new Intl.Collator("en", { numeric: true }).compare;

  const keyOf = (cell) => {
    if (cell.dataset.value === undefined) return cell.textContent;
    return cell.dataset.value === "" ? null : Number(cell.dataset.value);
  };

  // Missing values stay at the end in both orders.
  const compare = (a, b, direction) => {
    if (a === null || b === null) return (a === null) - (b === null);
    return direction * (typeof a === "number" ? a - b : compareText(a, b));
  };

  const sort = (table, column, order) => {
    const body = table.tBodies[0];
    const direction = order === "ascending" ? 1 : -1;
    const rows = [...body.rows].map((row) => [keyOf(row.cells[column]), row]);
    rows.sort((a, b) => compare(a[0], b[0], direction));
    body.append(...rows.map((pair) => pair[1]));
    [...table.tHead.rows[0].cells].forEach((head, index) => {
      head.setAttribute("aria-sort", index === column ? order : "none");
    });
  };

  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      head.querySelector("button").addEventListener("click", () => {
        const isAscending = head.getAttribute("aria-sort") === "ascending";
        sort(table, column, isAscending ? "descending" : "ascending");
      });
    });
  }
}

/* Players: one plays at a time; a line on the spectrogram shows the position, a click moves it. */
{
  const players = [...document.querySelectorAll("figure audio")];
  for (const audio of players) {
    const picture = audio.parentElement.querySelector(".spectrogram");
    const cursor = picture.querySelector(".cursor");
    const follow = () => {
      cursor.style.visibility = "visible";
      cursor.style.left = `${(100 * audio.currentTime) / audio.duration}%`;
      if (!audio.paused) requestAnimationFrame(follow);
    };
    audio.addEventListener("play", () => {
      players.filter((other) => other !== audio).forEach((other) => other.pause());
      follow();
    });
    audio.addEventListener("seeked", follow);
    picture.addEventListener("click", (event) => {
      const box = picture.getBoundingClientRect();
      audio.currentTime = ((event.clientX - box.left) / box.width) * audio.duration;
    });
  }
}
