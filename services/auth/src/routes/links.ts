import type { AppMiddleware } from '@chat/kit';
import type { RouteParts } from './parts.ts';

/** GET /links: where the page points its readers. */
export function links({ config }: RouteParts): AppMiddleware {
  return (ctx) => {
    ctx.body = { github: config.GITHUB_URL };
  };
}
