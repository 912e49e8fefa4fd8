// Modules that are had when they are needed.

import { Problem } from "/ui/core/api.js";

/**
 * What `importing()` gives. Where the server is away it throws a Problem whose `again` loads the whole page anew: some browsers
 * remember for good that a module could not be had.
 */
export async function load(importing) {
  try {
    return await importing();
  } catch {
    throw Object.assign(new Problem({}), { again: () => location.reload() });
  }
}
