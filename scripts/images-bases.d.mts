interface Base {
  publicName: string;
  localName: string;
}
export const BASES: Record<'debian' | 'node' | 'haproxy' | 'redis', Base>;
export function makeBases(options?: { force?: boolean; log?: (line: string) => void }): void;
