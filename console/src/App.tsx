import { MantineProvider } from '@mantine/core'
import { useHotkeys } from '@mantine/hooks'
import { QueryClientProvider, type QueryClient } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { Announcer } from './components/Announcer'
import { Toasts } from './components/toast'
import { nonce } from './lib/nonce'
import type { AppRouter } from './routes'
import { askForPalette } from './shell/paletteKey'
import { cssVariablesResolver, theme } from './theme'

/** App is everything that stands around the pages. */
export function App({ client, router }: { client: QueryClient; router: AppRouter }) {
  useHotkeys([['mod+K', askForPalette]], [], true) // also where people type, and before there is a page
  return (
    <MantineProvider theme={theme} cssVariablesResolver={cssVariablesResolver} defaultColorScheme="auto" getStyleNonce={nonce}>
      <QueryClientProvider client={client}>
        <RouterProvider router={router} />
      </QueryClientProvider>
      <Toasts />
      <Announcer />
    </MantineProvider>
  )
}
