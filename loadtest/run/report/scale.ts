/** Maps values to pixels along one axis, with round numbers to label. */
export interface Scale {
  position(value: number): number;
  ticks: number[];
}

/** From 0 to a round number at or above `max`. */
export function linearScale(max: number, from: number, to: number, most = 5): Scale {
  const step = niceStep(max > 0 ? max : 1, most);
  const count = Math.max(1, Math.ceil((max > 0 ? max : 1) / step - 1e-9));
  const top = step * count;
  return {
    position: (value) => from + ((to - from) * value) / top,
    ticks: Array.from({ length: count + 1 }, (_, index) => round(index * step)),
  };
}

/** Exactly from `min` to `max`, labelled where the numbers are round: for time. */
export function rangeScale(min: number, max: number, from: number, to: number, most = 7): Scale {
  const span = max > min ? max - min : 1;
  const step = niceStep(span, most);
  const first = Math.ceil(min / step - 1e-9);
  const last = Math.floor(max / step + 1e-9);
  return {
    position: (value) => from + ((to - from) * (value - min)) / span,
    ticks: Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => round((first + index) * step)),
  };
}

/** By powers, from a 1, 2 or 5 at or below `min` to one at or above `max`; both above 0. */
export function logScale(min: number, max: number, from: number, to: number): Scale {
  const all: number[] = [];
  for (let power = -2; power <= 7; power++)
    for (const digit of [1, 2, 5]) all.push(round(digit * 10 ** power));
  const low = all.findLast((tick) => tick <= min) ?? all[0]!;
  const high = all.find((tick) => tick >= max && tick > low) ?? all.at(-1)!;
  const span = Math.log(high / low);
  const inside = all.filter((tick) => tick >= low && tick <= high);
  return {
    position: (value) => from + ((to - from) * Math.log(Math.max(value, low) / low)) / span,
    // More than nine labels crowd each other: then the powers of ten alone.
    ticks: inside.length <= 9 ? inside : inside.filter((tick) => /^0?\.?0*10*$/.test(String(tick))),
  };
}

/** The smallest of 1, 2, 5 x 10^n that needs at most `most` steps. */
function niceStep(span: number, most: number): number {
  const rough = span / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  for (const factor of [1, 2, 5, 10]) if (factor * power >= rough - 1e-9) return factor * power;
  return 10 * power;
}

function round(value: number): number {
  return Number(value.toPrecision(6));
}
