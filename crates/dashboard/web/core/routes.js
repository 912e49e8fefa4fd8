// Every page of the dashboard. Those with a place in the menu have an icon; `role` is who may see it.

export const routes = [
  { path: "/", title: "Overview", icon: "overview", menu: "Look", load: () => import("/ui/pages/overview.js") },
  { path: "/try", title: "Try it", icon: "try", menu: "Look", load: () => import("/ui/pages/try.js") },
  { path: "/jobs", title: "Jobs", icon: "jobs", menu: "Work", load: () => import("/ui/pages/jobs.js") },
  { path: "/jobs/:id", title: "Job", under: "/jobs", load: () => import("/ui/pages/job.js") },
  { path: "/runs", title: "Runs", icon: "runs", menu: "Work", load: () => import("/ui/pages/runs.js") },
  { path: "/runs/new", title: "Start a run", under: "/runs", load: () => import("/ui/pages/run-new.js") },
  { path: "/runs/:id", title: "Run", under: "/runs", load: () => import("/ui/pages/run.js") },
  { path: "/dead", title: "Dead letters", icon: "dead", menu: "Work", load: () => import("/ui/pages/dead.js") },
  { path: "/log", title: "Inference log", icon: "log", menu: "Work", load: () => import("/ui/pages/log.js") },
  { path: "/models", title: "Models", icon: "models", menu: "System", load: () => import("/ui/pages/models.js") },
  { path: "/queues", title: "Queues", icon: "queues", menu: "System", role: "operator", load: () => import("/ui/pages/queues.js") },
  { path: "/workers", title: "Workers", icon: "workers", menu: "System", role: "operator", load: () => import("/ui/pages/workers.js") },
  { path: "/users", title: "Users and keys", icon: "users", menu: "System", role: "admin", load: () => import("/ui/pages/users.js") },
  { path: "/settings", title: "Settings", icon: "settings", menu: "System", role: "admin", load: () => import("/ui/pages/settings.js") },
  { path: "/account", title: "Your account", load: () => import("/ui/pages/account.js") },
  { path: "/sign-in", title: "Sign in", load: () => import("/ui/pages/sign-in.js") },
];
