import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The paths that the gateway sends to auth, history and the replicas, as far as the page uses them. */
const SERVER_PATHS =
  '^/(login|logout|register|password|sessions|me|randomname|links|rooms?|users|replica|ws|stream|healthz)(/|\\?|$)';

/** `npx vite` serves the sources; everything else comes from the cluster that `npm start` runs. */
function gateway(): string {
  const file = here('../.data/cluster.json');
  if (!existsSync(file)) return 'http://127.0.0.1:8080';
  return (JSON.parse(readFileSync(file, 'utf8')) as { gateway: { url: string } }).gateway.url;
}

export default defineConfig({
  root: here('.'),
  base: './',
  build: {
    target: 'es2022',
    outDir: here('./dist'),
    emptyOutDir: true,
    // Everything in files of its own: the Content-Security-Policy allows nothing inline, not even data: URLs.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: [here('./index.html'), here('./replicas.html')] },
  },
  server: {
    host: '127.0.0.1',
    proxy: { [SERVER_PATHS]: { target: gateway(), ws: true, changeOrigin: true } },
  },
});
