/** Text inside an element. */
export function escapeHtml(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}

/** Text inside a quoted attribute. */
export function attribute(text: string): string {
  return escapeHtml(text).replace(/"/g, '&quot;');
}

/** A table whose first column names the row; the others are right-aligned figures. Cells are HTML; no head if []. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const headCells = head.map((cell) => `<th scope="col">${cell}</th>`).join('');
  const headRow = head.length === 0 ? '' : `<thead><tr>${headCells}</tr></thead>`;
  const body = rows.map(([first, ...rest]) => {
    const cells = rest.map((cell) => `<td>${cell}</td>`).join('');
    return `<tr><th scope="row">${first}</th>${cells}</tr>`;
  });
  return `<div class="scroll"><table>${headRow}<tbody>${body.join('')}</tbody></table></div>`;
}
