import { build } from '../../scripts/build.mjs';

/** Whole clusters run from the bundles, which must be those of the sources under test. */
export default async function setup(): Promise<void> {
  await build();
}
