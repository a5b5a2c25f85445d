import { defineConfig } from 'vitest/config'
import react from '@vitejs/plugin-react'
import { prune } from './scripts/prune.ts'

// PEMBA_HTTP is where `npm run dev` finds a server.
const server = process.env['PEMBA_HTTP'] ?? 'http://127.0.0.1:8080'

export default defineConfig({
  base: '/console/',
  plugins: [react(), prune()],
  build: { outDir: 'dist', emptyOutDir: true, target: 'es2023', sourcemap: false, modulePreload: { polyfill: false }, assetsInlineLimit: 0, reportCompressedSize: false, chunkSizeWarningLimit: 700 },
  server: { proxy: { '/v1': server, '/pemba': server, '/portal': server } },
  // Most of the time went into a document for each file: they share those of their worker.
  test: { environment: 'jsdom', isolate: false, testTimeout: 120_000, setupFiles: ['src/test/setup.ts'], css: false, include: ['src/**/*.test.{ts,tsx}'] },
})
