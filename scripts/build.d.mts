/** Builds what is out of date: services by esbuild, the page by Vite. Throws when a build fails. */
export function build(options?: {
  only?: string[];
  force?: boolean;
  log?: (line: string) => void;
}): Promise<void>;
