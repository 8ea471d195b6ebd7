/** Shares of `count` things by Zipf's law: the second gets half of the first, the third a third. They add up to 1. */
export function zipfShares(count: number): number[] {
  const weights = Array.from({ length: count }, (_, rank) => 1 / (rank + 1));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}
