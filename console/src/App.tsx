import { MantineProvider } from '@mantine/core'
import { QueryClientProvider, type QueryClient } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { Announcer } from './components/Announcer'
import { Toasts } from './components/toast'
import { nonce } from './lib/nonce'
import type { AppRouter } from './routes'
import { cssVariablesResolver, theme } from './theme'

/** App is everything that stands around the pages. */
export function App({ client, router }: { client: QueryClient; router: AppRouter }) {
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
