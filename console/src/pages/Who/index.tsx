import { getRouteApi } from '@tanstack/react-router'
import { LookupPage } from '../../components/Lookup'

const route = getRouteApi('/shell/workbench/who')

export function Who() {
  const navigate = route.useNavigate()
  return <LookupPage kind="who" asked={route.useSearch()} onAsk={(search) => void navigate({ search })} />
}
