import '@mantine/core/styles.css'
import './app.css'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { setNonce } from 'get-nonce'
import { QueryCache, QueryClient } from '@tanstack/react-query'
import { App } from './App'
import { isApiError } from './api/errors'
import { meQuery } from './api/me'
import { nonce } from './lib/nonce'
import { makeRouter } from './routes'

setNonce(nonce())
const root = document.getElementById('root')
if (!root) throw new Error('the page has no root')

const client = new QueryClient({
  queryCache: new QueryCache({
    // Whoever is refused may do less than the page knows: it asks again who he is.
    onError: (e, q) => {
      if (isApiError(e, 'PERMISSION_DENIED') && q.queryKey[0] !== meQuery.queryKey[0]) void client.invalidateQueries({ queryKey: meQuery.queryKey })
    },
  }),
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      // Only what may work a moment later is tried again by itself.
      retry: (tries, e) => tries < 2 && isApiError(e, 'UNAVAILABLE'),
    },
  },
})

// A newer server has newer files: those of this page are gone.
window.addEventListener('vite:preloadError', () => window.location.reload())

createRoot(root).render(
  <StrictMode>
    <App client={client} router={makeRouter()} />
  </StrictMode>,
)
