export const collectors = {
  created: "Collector “%{name}” added",
  renewed: "New token for “%{name}”",
  once: "This is the only time the token is shown. Run this on a host at the site where Mainstay is installed:",
  elsewhere: "The address must be the one under which that host reaches this server, over TLS.",
  install: "Install",
  installHint: "The collector needs a token. A new one ends the old one at once: the collector is then refused, and keeps what it receives, until it has the new one.",
  newToken: "New token",
  confirmTitle: "Give “%{name}” a new token?",
};
