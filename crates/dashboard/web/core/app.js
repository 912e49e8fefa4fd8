// Where the page begins: who is here, then the shell, then the page that the address names.

import { routes } from "/ui/core/routes.js";
import { startRouter } from "/ui/core/router.js";
import { session } from "/ui/core/session.js";
import { shell } from "/ui/core/shell.js";

const app = document.getElementById("app");

await session.look();
const main = shell(app, routes);
startRouter(main, routes);
