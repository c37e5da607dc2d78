// The table on the home page: a click on a cell chooses its row and lights its part. Without this script the buttons do.
for (const cell of document.querySelectorAll(".one-table [data-part]")) {
  cell.addEventListener("click", () => {
    const row = cell.closest("[data-row]");
    if (row) row.querySelector("input").checked = true;
    document.querySelector(`.one-table [name="part"][value="${cell.dataset.part}"]`).checked = true;
  });
}
