/** `p50 0.41 ms  p90 0.58 ms  p99 0.92 ms  max 2.10 ms` */
export function percentiles(values: readonly number[], unit: string): string {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  const shares = { p50: 0.5, p90: 0.9, p99: 0.99, max: 1 };
  return Object.entries(shares)
    .map(([name, share]) => `${name} ${at(share).toFixed(2)} ${unit}`)
    .join('  ');
}
