/** Shows the figures under the pointer. The report says the same without it, in its tables. */
export const HOVER = `
for (const svg of document.querySelectorAll('svg[data-hover]')) {
  const { names, rows } = JSON.parse(svg.dataset.hover);
  const cursor = svg.querySelector('.cursor');
  const tip = document.createElement('div');
  tip.className = 'tip';
  tip.hidden = true;
  svg.closest('figure').append(tip);
  svg.addEventListener('pointerleave', () => { tip.hidden = true; cursor.setAttribute('hidden', ''); });
  svg.addEventListener('pointermove', (event) => {
    const box = svg.getBoundingClientRect();
    const x = (event.clientX - box.left) * svg.viewBox.baseVal.width / box.width;
    const row = rows.reduce((best, each) => Math.abs(each[0] - x) < Math.abs(best[0] - x) ? each : best);
    cursor.removeAttribute('hidden');
    cursor.setAttribute('x1', row[0]);
    cursor.setAttribute('x2', row[0]);
    tip.replaceChildren(Object.assign(document.createElement('b'), { textContent: row[1] }));
    row.slice(2).forEach((value, index) => {
      if (value === '') return;
      tip.append(names[index] + ': ' + value, document.createElement('br'));
    });
    tip.hidden = false;
    const at = row[0] * box.width / svg.viewBox.baseVal.width;
    tip.style.left = at > box.width / 2 ? '' : at + 32 + 'px';
    tip.style.right = at > box.width / 2 ? box.width - at + 32 + 'px' : '';
  });
}
`;
