// Every page of the dashboard. Those with a place in the menu have an icon; `role` is who may see it.

export const routes = [
  { path: "/workers", title: "Workers", icon: "workers", menu: "System", role: "operator", load: () => import("/ui/pages/workers.js") },
  { path: "/account", title: "Your account", load: () => import("/ui/pages/account.js") },
  { path: "/sign-in", title: "Sign in", load: () => import("/ui/pages/sign-in.js") },
];
