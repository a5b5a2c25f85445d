import { useMe } from '../api/me'
import type { ServiceJson } from '../api/gen/pemba/portal/v1/common_pb'
import { serviceName } from '../api/portal/words'
import { Icon } from '../components/Icon'
import { RailLink } from '../components/links'
import type { NavGroup } from './nav'

/** Rail is the left column: what somebody may open, in labelled groups. */
export function Rail({ groups, onGo }: { groups: NavGroup[]; onGo: () => void }) {
  const { services } = useMe()
  return (
    <>
      {groups.map((g) => {
        const id = 'rail-' + g.label.toLowerCase()
        return (
          <section key={g.label} aria-labelledby={id}>
            <h2 className="app-rail-label" id={id}>{g.label}</h2>
            <ul className="app-rail-list">
              {g.items.map((i) => (
                <li key={i.to}>
                  <RailLink to={i.to} label={i.label} leftSection={<Icon name={i.icon} />} onClick={onGo} activeOptions={{ exact: i.to === '/', includeSearch: false }} activeProps={{ active: true }} className="app-rail-link" />
                </li>
              ))}
              {g.services && services.map((s) => (
                <li key={s.id}>
                  <RailLink to="/services/$sid" params={{ sid: s.id }} label={serviceName(s.service as ServiceJson)} leftSection={<Icon name="service" />} onClick={onGo} activeOptions={{ includeSearch: false }} activeProps={{ active: true }} className="app-rail-link" />
                </li>
              ))}
            </ul>
          </section>
        )
      })}
    </>
  )
}
