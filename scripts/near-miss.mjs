/**
 * The known name that was probably meant: the same but for case, or but for a slip or two.
 *
 * @param {string} name
 * @param {Iterable<string>} known
 * @returns {string | undefined}
 */
export function nearMiss(name, known) {
  const upper = name.toUpperCase();
  const slips = name.length < 12 ? 1 : 2;
  return Array.from(known).find((each) => distance(upper, each.toUpperCase()) <= slips);
}

/**
 * Letters to insert, leave out, replace or swap with their neighbour.
 *
 * @param {string} a
 * @param {string} b
 */
function distance(a, b) {
  if (Math.abs(a.length - b.length) > 2) return 3;
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    const [before, beforeThat] = [rows[i - 1] ?? [], rows[i - 2] ?? []];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (before[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min((before[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, replaced);
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) row[j] = Math.min(row[j] ?? 0, (beforeThat[j - 2] ?? 0) + 1);
    }
    rows.push(row);
  }
  return rows[a.length]?.[b.length] ?? 0;
}
