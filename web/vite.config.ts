import { defineConfig, type Plugin } from "vite";

/** Ways to draw a series that no chart of this page has; uPlot names them all, so nothing would be left out by itself. */
const UNUSED_PATHS = ["stepped", "bars", "spline"];

function withoutUnusedPaths(): Plugin {
  return {
    name: "without-unused-paths",
    transform(code, id) {
      if (!id.endsWith("/uPlot.esm.js")) return null;
      return UNUSED_PATHS.reduce((left, name) => {
        const [before, after, ...more] = left.split(new RegExp(`\\(paths\\.${name}\\s*= \\w+\\);`));
        if (before === undefined || after === undefined || more.length > 0) this.error(`uPlot no longer names ${name} as it did`);
        return before + after;
      }, code);
    },
  };
}

export default defineConfig({
  // Relative addresses: the same build works at any path of any host.
  base: "./",
  plugins: [withoutUnusedPaths()],
  build: {
    target: "es2024",
    // The page runs under `script-src 'self'` with no exception, so nothing may be written into it inline.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
});
