import { getRouteApi } from '@tanstack/react-router'
import { LookupPage } from '../../components/Lookup'

const route = getRouteApi('/shell/workbench/what')

export function What() {
  const navigate = route.useNavigate()
  return <LookupPage kind="what" asked={route.useSearch()} onAsk={(search) => void navigate({ search })} />
}
