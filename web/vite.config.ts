import { defineConfig } from "vite";

export default defineConfig({
  // Relative addresses: the same build works at any path of any host.
  base: "./",
  build: {
    target: "es2024",
    // The page runs under `script-src 'self'` with no exception, so nothing may be written into it inline.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
});
