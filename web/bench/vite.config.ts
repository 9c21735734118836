import { defineConfig } from "vite";
import dashboard from "../vite.config.ts";

/** The dashboard's own build, of a page that holds one island; `--outDir` says where. */
export default defineConfig({ ...dashboard, root: import.meta.dirname, publicDir: false });
