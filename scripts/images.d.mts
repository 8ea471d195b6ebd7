export const TARGETS: string[];
export const VERSION: string;
export function imageName(target: string, tag?: string): string;
export function buildImages(options?: {
  only?: string[];
  tag?: string;
  log?: (line: string) => void;
}): Promise<void>;
